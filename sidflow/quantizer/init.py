"""K-means for code vectors: k-means++ starts, Lloyd passes, and the same per level on residuals."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from sidflow.quantizer.codebook import CHUNK, Array, nearest_codes

SAMPLE_PER_CODE = 256  # points a code that k-means looks at; more do not move the centroids (faiss takes 256 too)


def init_codebooks(
    latents: Array, sizes: Sequence[int], rng: np.random.Generator, passes: int = 15
) -> tuple[Array, ...]:
    """One codebook a level: k-means on what the earlier levels left over.

    Args:
        latents: The whole catalogue's latents, (n, d); at most 256 per code are looked at.
        sizes: Codes per level.
        rng: Source of the sample and of the k-means++ draws.
        passes: Lloyd passes per level.

    Returns:
        Code vectors per level, (K_l, d).
    """
    residual = sample_rows(latents, max(sizes) * SAMPLE_PER_CODE, rng)
    codebooks = []
    for size in sizes:
        codebooks.append(kmeans(residual, size, rng, passes))
        residual = residual - codebooks[-1][_nearest(residual, codebooks[-1], None)]
    return tuple(codebooks)


def sample_rows(rows: Array, limit: int, rng: np.random.Generator) -> Array:
    """At most `limit` rows without replacement, in their order; rows may be memory-mapped."""
    if len(rows) <= limit:
        return rows
    return rows[np.sort(rng.choice(len(rows), limit, replace=False))]


def random_codebooks(sizes: Sequence[int], latent: int, rng: np.random.Generator) -> tuple[Array, ...]:
    """Code vectors that have seen no data, (K_l, latent) per level: uniform in [-1 / K_l, 1 / K_l]."""
    return tuple(rng.uniform(-1 / size, 1 / size, (size, latent)).astype(np.float32) for size in sizes)


def kmeans(points: Array, k: int, rng: np.random.Generator, passes: int = 15) -> Array:
    """Centroids of k-means, (k, d): a k-means++ start and Lloyd passes.

    Source: Arthur and Vassilvitskii 2007, k-means++: the advantages of careful seeding.
    """
    return lloyd(points, seed_centroids(points, k, rng), passes)


def seed_centroids(points: Array, k: int, rng: np.random.Generator) -> Array:
    """K-means++: each next centroid is a point, drawn in proportion to its squared distance to the nearest so far.

    Args:
        points: (n, d).
        k: Centroids; beyond the number of distinct points they repeat.
        rng: Source of the draws.
    """
    squares = np.einsum("nd,nd->n", points, points)
    chosen = [int(rng.integers(len(points)))]
    distance = np.full(len(points), np.inf, np.float32)
    for _ in range(k - 1):
        last = points[chosen[-1]]
        np.minimum(distance, squares - 2 * (points @ last) + last @ last, out=distance)
        distance[chosen[-1]] = 0
        chosen.append(_draw(distance, rng))
    return points[chosen].copy()


def lloyd(points: Array, centroids: Array, passes: int, bias: Array | None = None) -> Array:
    """Lloyd passes: centroids move to the mean of their points; one without points moves to the worst-served point.

    Args:
        points: (n, d).
        centroids: Where to start, (k, d); left unchanged.
        passes: Most passes; fewer if no point changes its centroid.
        bias: Added to squared distances, (k,); None for zeros.

    Returns:
        The moved centroids, (k, d) float32.
    """
    before: npt.NDArray[np.int64] | None = None
    for _ in range(passes):
        codes = _nearest(points, centroids, bias)
        if before is not None and np.array_equal(codes, before):
            break
        before = codes
        centroids = _means(points, codes, centroids)
    return centroids


def refine_codebooks(
    latents: Array, codebooks: Sequence[Array], biases: Sequence[Array], passes: int
) -> tuple[Array, ...]:
    """Lloyd passes per level over the whole catalogue, each level on what the refined earlier ones left over."""
    residual = latents.copy()
    refined = []
    for codebook, bias in zip(codebooks, biases, strict=True):
        refined.append(lloyd(residual, codebook, passes, bias))
        residual -= refined[-1][_nearest(residual, refined[-1], bias)]
    return tuple(refined)


def _means(points: Array, codes: npt.NDArray[np.int64], centroids: Array) -> Array:
    n, k = len(points), len(centroids)
    counts = np.bincount(codes, minlength=k)
    members = csr_matrix((np.ones(n, np.float32), (codes, np.arange(n))), shape=(k, n))
    means = np.asarray(members @ points, np.float32)
    means /= np.maximum(counts, 1)[:, None]
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        error = ((points - centroids[codes]) ** 2).sum(1)
        means[empty] = points[np.argsort(-error, kind="stable")[: len(empty)]]
    return means


def _nearest(points: Array, centroids: Array, bias: Array | None) -> npt.NDArray[np.int64]:
    parts = [nearest_codes(points[start : start + CHUNK], centroids, bias) for start in range(0, len(points), CHUNK)]
    return np.concatenate(parts)


def _draw(distance: Array, rng: np.random.Generator) -> int:
    mass = np.cumsum(np.maximum(distance, 0), dtype=np.float64)
    if mass[-1] == 0:  # fewer distinct points than centroids
        return int(rng.integers(len(distance)))
    return int(min(np.searchsorted(mass, rng.random() * mass[-1], side="right"), len(mass) - 1))
