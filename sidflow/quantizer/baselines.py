"""What a trained quantiser must beat: k-means on residuals of text, or of text and pairs; hyperplanes; random codes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sidflow.errors import ConfigError
from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import Array, Quantizer
from sidflow.quantizer.digests import grid_cells
from sidflow.quantizer.init import SAMPLE_PER_CODE, init_codebooks, refine_codebooks, sample_rows
from sidflow.quantizer.pmi import learn_behaviour


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
    mean = initial.mean if initial is not None else mean_vector(vectors)
    empty = tuple(np.zeros((size, len(mean)), np.float32) for size in codebooks)
    return _residual_kmeans(
        Quantizer(mean, (), empty, _no_biases(codebooks), "rq-kmeans"), vectors, seed, initial, passes
    )


def fit_rq_kmeans_pmi(
    vectors: Array,
    pairs: Pairs | None,
    codebooks: Sequence[int],
    seed: int,
    initial: Quantizer | None = None,
    passes: int = 15,
) -> Quantizer:
    """Residual k-means on text and behaviour side by side, half and half: what pairs bring without a network.

    Behaviour is the SVD of the pairs' PMI matrix, kept in the quantiser by embedding. An item without a pair, and so
    every new item, has zeros there: its text alone decides between codes, as it does for such items while fitting.

    Args:
        vectors: (N, D); may be memory-mapped. 256 rows per code are looked at.
        pairs: Mined pairs, of which held-out ones are left out.
        codebooks: Codes per level.
        seed: Of the sample and the k-means++ draws.
        initial: Warm start: only Lloyd passes from its codebooks, behaviour rotated onto its behaviour.
        passes: Lloyd passes per level.
    """
    mean = initial.mean if initial is not None else mean_vector(vectors)
    behaviour = learn_behaviour(vectors, pairs, initial.behaviour if initial is not None else None)
    width = len(mean) + behaviour.vectors.shape[1]
    empty = tuple(np.zeros((size, width), np.float32) for size in codebooks)
    start = Quantizer(mean, (), empty, _no_biases(codebooks), "rq-kmeans-pmi", behaviour)
    return _residual_kmeans(start, vectors, seed, initial, passes)


def _residual_kmeans(
    encoder: Quantizer, vectors: Array, seed: int, initial: Quantizer | None, passes: int
) -> Quantizer:
    """`encoder` with codebooks of its latents: from scratch, or from those of `initial`."""
    rng = np.random.default_rng(seed)
    latents = encoder.encode(sample_rows(vectors, max(encoder.sizes) * SAMPLE_PER_CODE, rng))
    if initial is None:
        return replace(encoder, codebooks=init_codebooks(latents, encoder.sizes, rng, passes))
    return replace(encoder, codebooks=refine_codebooks(latents, initial.codebooks, initial.biases, passes))


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
    return Quantizer(mean, (layer,), tuple(corners), _no_biases(codebooks), "lsh")


def fit_random(vectors: Array, codebooks: Sequence[int], seed: int) -> Quantizer:
    """Codes that know nothing: the floor of every comparison.

    A code is a hash of the vector's bytes under a random key, so an item keeps it from run to run, a new item gets one
    too, and only exact copies share one. A level's hash is a point near the centre of one of K_l cells of a grid, so
    that the nearest code vector is the cell whatever K_l.

    Args:
        vectors: (N, D); only their mean is used, by diagnostics.
        codebooks: Codes per level.
        seed: Of the key.
    """
    key = np.random.default_rng(seed).standard_normal(16).astype(np.float32).tobytes()  # 64 bytes
    grids = []
    for level, size in enumerate(codebooks):
        grids.append(np.zeros((size, 2 * len(codebooks)), np.float32))
        grids[-1][:, 2 * level : 2 * level + 2] = grid_cells(size)
    return Quantizer(mean_vector(vectors), (), tuple(grids), _no_biases(codebooks), "random", key=key)


def mean_vector(vectors: Array) -> Array:
    """Mean of the rows, (D,) float32, summed in float64 over chunks of a memory map."""
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(vectors), 65_536):
        total += vectors[start : start + 65_536].sum(axis=0, dtype=np.float64)
    return (total / len(vectors)).astype(np.float32)


def _no_biases(codebooks: Sequence[int]) -> tuple[Array, ...]:
    return tuple(np.zeros(size, np.float32) for size in codebooks)
