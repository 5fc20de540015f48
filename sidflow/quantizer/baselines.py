"""What a trained quantiser must beat: k-means on residuals, hyperplanes, random codes, and vectors from pairs."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from sidflow.errors import ConfigError
from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import Array, Quantizer, unit_rows
from sidflow.quantizer.init import SAMPLE_PER_CODE, init_codebooks, refine_codebooks


def fit_rq_kmeans(
    vectors: Array,
    codebooks: Sequence[int],
    seed: int,
    initial: Quantizer | None = None,
    passes: int = 15,
) -> Quantizer:
    """Residual k-means on the centred unit vectors themselves: no network, no pairs.

    Args:
        vectors: (N, D); may be memory-mapped. 256 rows per code are looked at.
        codebooks: Codes per level.
        seed: Of the sample and the k-means++ draws.
        initial: Warm start: only Lloyd passes from its codebooks, around its mean.
        passes: Lloyd passes per level.

    Source: the RK-means of Luo et al. 2024, arXiv 2411.11739 (QARM), and Deng et al. 2025, arXiv 2502.18965 (OneRec).
    """
    rng = np.random.default_rng(seed)
    mean = initial.mean if initial is not None else mean_vector(vectors)
    sample = unit_rows(_rows(vectors, max(codebooks) * SAMPLE_PER_CODE, rng) - mean)
    if initial is None:
        fitted = init_codebooks(sample, codebooks, rng, passes)
    else:
        fitted = refine_codebooks(sample, initial.codebooks, initial.biases, passes)
    return Quantizer(mean, (), fitted, tuple(np.zeros(size, np.float32) for size in codebooks), "rq-kmeans")


def fit_lsh(vectors: Array, codebooks: Sequence[int], seed: int) -> Quantizer:
    """Random hyperplanes: a code is the signs of log2 K projections.

    It is a residual quantiser too: a linear encoder onto all projections, and codebooks whose vectors are the corners
    of a cube over their own level's projections and zero elsewhere, so that the nearest corner is the signs.

    Args:
        vectors: (N, D); only their mean is used.
        codebooks: Codes per level, powers of two.
        seed: Of the hyperplanes.

    Raises:
        ConfigError: If a size is not a power of two.

    Source: Rajput et al. 2023, arXiv 2305.05065 (8 hyperplanes a level).
    """
    planes = [size.bit_length() - 1 for size in codebooks]
    if any(1 << count != size for count, size in zip(planes, codebooks, strict=True)):
        raise ConfigError(f"quantizer.codebooks: got {list(codebooks)}; hyperplanes need powers of two, such as 256.")
    mean = mean_vector(vectors)
    normals = np.random.default_rng(seed).standard_normal((sum(planes), len(mean))).astype(np.float32)
    corners, first = [], 0
    for count, size in zip(planes, codebooks, strict=True):
        signs = np.arange(size)[:, None] >> np.arange(count) & 1
        corner = np.zeros((size, sum(planes)), np.float32)
        corner[:, first : first + count] = (2 * signs - 1) * np.sqrt(2 / np.pi)  # mean size of a projection
        corners.append(corner)
        first += count
    layer = (normals, np.zeros(sum(planes), np.float32))
    return Quantizer(mean, (layer,), tuple(corners), tuple(np.zeros(size, np.float32) for size in codebooks), "lsh")


def random_codes(items: int, codebooks: Sequence[int], seed: int) -> npt.NDArray[np.int16]:
    """Codes that know nothing, (items, L): the floor of every comparison. Nothing is quantised."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=items) for size in codebooks], axis=1).astype(np.int16)


def pmi_vectors(pairs: Pairs, items: int, dimensions: int = 64) -> Array:
    """Unit vectors from behaviour alone: truncated SVD of the matrix of positive PMI over pairs not held out.

    Args:
        pairs: Mined pairs.
        items: Number of items in the catalogue.
        dimensions: Singular vectors kept; fewer if the catalogue is smaller.

    Returns:
        (items, dimensions) float32; zero rows for items without a pair.

    Source: Levy and Goldberg 2014, Neural word embedding as implicit matrix factorization, section 5.
    """
    use = ~pairs.heldout & (pairs.pmi > 0)
    rows, columns = np.concatenate([pairs.a[use], pairs.b[use]]), np.concatenate([pairs.b[use], pairs.a[use]])
    matrix = csr_matrix((np.tile(pairs.pmi[use], 2), (rows, columns)), shape=(items, items))
    rank = min(dimensions, items - 1)
    if not matrix.nnz or rank < 1:
        return np.zeros((items, dimensions), np.float32)
    left, singular, _ = svds(matrix, k=rank, rng=np.random.default_rng(0))
    vectors = np.zeros((items, dimensions), np.float32)
    vectors[:, :rank] = (left * np.sqrt(np.maximum(singular, 0)))[:, ::-1]
    vectors[matrix.getnnz(axis=1) == 0] = 0
    return unit_rows(vectors)


def blend(content: Array, behaviour: Array, share: float = 0.5) -> Array:
    """Content and behaviour side by side, so that `share` of a cosine is behaviour's: input for `fit_rq_kmeans`."""
    return np.hstack([np.sqrt(1 - share) * unit_rows(content), np.sqrt(share) * behaviour]).astype(np.float32)


def mean_vector(vectors: Array) -> Array:
    """Mean of the rows, (D,) float32, summed in float64 over chunks of a memory map."""
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(vectors), 65_536):
        total += vectors[start : start + 65_536].sum(axis=0, dtype=np.float64)
    return (total / len(vectors)).astype(np.float32)


def _rows(vectors: Array, limit: int, rng: np.random.Generator) -> Array:
    if len(vectors) <= limit:
        return np.asarray(vectors, np.float32)
    return np.asarray(vectors[np.sort(rng.choice(len(vectors), limit, replace=False))], np.float32)
