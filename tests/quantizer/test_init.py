"""K-means: seeds, Lloyd passes, repair of empty centroids, levels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.quantizer import init
from sidflow.quantizer.init import init_codebooks, kmeans, lloyd, random_codebooks, refine_codebooks, seed_centroids
from tests.quantizer.samples import clustered

SQUARE = np.array([[0, 0], [0, 1], [10, 0], [10, 1]], np.float32)


def error(points: np.ndarray, centroids: np.ndarray) -> float:
    """Sum of squared distances to the nearest centroid."""
    return float(((points[:, None] - centroids[None]) ** 2).sum(-1).min(1).sum())


def test_lloyd_moves_to_the_means() -> None:
    """Two pairs of points, two centroids beside them."""
    moved = lloyd(SQUARE, np.array([[1, 0], [9, 0]], np.float32), passes=5)
    assert moved.tolist() == [[0, 0.5], [10, 0.5]]


def test_lloyd_leaves_its_input_alone() -> None:
    """The start is the caller's."""
    start = np.array([[1, 0], [9, 0]], np.float32)
    lloyd(SQUARE, start, passes=2)
    assert start.tolist() == [[1, 0], [9, 0]]


def test_an_empty_centroid_moves_to_the_worst_served_point() -> None:
    """The far centroid serves nobody, and (10, 5) is served worst."""
    points = np.array([[0, 0], [0, 1], [10, 5]], np.float32)
    moved = lloyd(points, np.array([[0, 0], [500, 500]], np.float32), passes=3)
    assert moved.tolist() == [[0, 0.5], [10, 5]]


def test_lloyd_respects_the_bias() -> None:
    """A large bias keeps points away from the nearer centroid."""
    moved = lloyd(SQUARE, np.array([[0, 0], [5, 0]], np.float32), passes=1, bias=np.array([1000, 0], np.float32))
    assert moved[1].tolist() == [5, 0.5]


def test_seeds_are_distinct_points() -> None:
    """With as many centroids as distinct points, every point is a seed."""
    seeds = seed_centroids(np.repeat(SQUARE, 3, axis=0), 4, np.random.default_rng(0))
    assert sorted(map(tuple, seeds.tolist())) == sorted(map(tuple, SQUARE.tolist()))


def test_fewer_distinct_points_than_centroids() -> None:
    """Centroids repeat; nothing becomes NaN."""
    centroids = kmeans(np.ones((10, 3), np.float32), 4, np.random.default_rng(0))
    assert centroids.shape == (4, 3) and (centroids == 1).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 6))
def test_lloyd_never_raises_the_error(seed: int, n: int, k: int) -> None:
    """Neither the passes nor the repair make the quantisation worse."""
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((n, 3)).astype(np.float32)
    start = rng.standard_normal((min(k, n), 3)).astype(np.float32)
    assert error(points, lloyd(points, start, passes=4)) <= error(points, start) * (1 + 1e-5)


def test_kmeans_finds_planted_clusters() -> None:
    """Eight clusters: the error falls to the noise within them."""
    points = clustered(400, dim=8, topics=8)
    centroids = kmeans(points, 8, np.random.default_rng(1))
    assert error(points, centroids) / len(points) == pytest.approx(8 * 0.3**2, rel=0.1)


def test_levels_have_their_own_sizes_and_lower_the_error() -> None:
    """Each level quantises what is left."""
    points = clustered()
    first, second, third = init_codebooks(points, (16, 8, 4), np.random.default_rng(0))
    assert (len(first), len(second), len(third)) == (16, 8, 4)
    left = points - first[((points[:, None] - first[None]) ** 2).sum(-1).argmin(1)]
    assert error(left, second) < 0.8 * float((left**2).sum())


def test_large_catalogues_are_sampled() -> None:
    """256 points a code: with two codes, 512 points decide; the result is a k-means of the cluster centres."""
    points = np.repeat(SQUARE, 1000, axis=0)
    (codebook,) = init_codebooks(points, (4,), np.random.default_rng(0))
    assert sorted(map(tuple, codebook.tolist())) == sorted(map(tuple, SQUARE.tolist()))


def test_distances_are_there_a_chunk_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 points for each of 4,096 codes would take 17 GB at once."""
    monkeypatch.setattr(init, "CHUNK", 100)
    nearest, rows = init.nearest_codes, []
    monkeypatch.setattr(init, "nearest_codes", lambda part, *rest: rows.append(len(part)) or nearest(part, *rest))
    init_codebooks(clustered(1_000), (4, 4), np.random.default_rng(0))
    assert max(rows) == 100


def test_refinement_lowers_the_error_of_every_level() -> None:
    """Lloyd passes from perturbed codebooks."""
    rng = np.random.default_rng(0)
    points = clustered()
    rough = tuple(
        book + 0.3 * rng.standard_normal(book.shape).astype(np.float32) for book in init_codebooks(points, (8, 8), rng)
    )
    fine = refine_codebooks(points, rough, (np.zeros(8, np.float32),) * 2, passes=3)
    assert error(points, fine[0]) < error(points, rough[0])
    assert all(np.isfinite(book).all() for book in fine)


def test_no_passes_change_nothing() -> None:
    """Zero Lloyd passes keep the codebooks."""
    books = init_codebooks(clustered(), (8, 8), np.random.default_rng(0))
    same = refine_codebooks(clustered(), books, (np.zeros(8, np.float32),) * 2, passes=0)
    assert all(np.array_equal(a, b) for a, b in zip(books, same, strict=True))


def test_random_codebooks_are_small_and_unequal() -> None:
    """Uniform within a code's share of 2, for each level its own."""
    small, large = random_codebooks((4, 100), 3, np.random.default_rng(0))
    assert small.shape == (4, 3) and large.shape == (100, 3) and large.dtype == np.float32
    assert 0.2 < abs(small).max() <= 0.25 and 0.009 < abs(large).max() <= 0.01
    assert large.mean() == pytest.approx(0, abs=0.002)
