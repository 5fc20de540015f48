"""The peers: k-means, hyperplanes, random codes, and vectors from pairs."""

import numpy as np
import pytest

from sidflow.errors import ConfigError
from sidflow.quantizer.baselines import blend, fit_lsh, fit_rq_kmeans, mean_vector, pmi_vectors, random_codes
from sidflow.quantizer.diagnostics import explained_variance
from tests.quantizer.samples import clustered, linked


def test_kmeans_explains_clustered_vectors() -> None:
    """Eight topics, eight first codes; the second level adds."""
    vectors = clustered()
    quantizer = fit_rq_kmeans(vectors, (8, 16), seed=0)
    latents = quantizer.encode(vectors)
    first, second = explained_variance(quantizer, latents, quantizer.assign(latents))
    assert 0.7 < first < second


def test_kmeans_is_deterministic() -> None:
    """Same seed, same bits."""
    a, b = (fit_rq_kmeans(clustered(), (8, 8), seed=3) for _ in range(2))
    assert all(np.array_equal(x, y) for x, y in zip(a.codebooks, b.codebooks, strict=True))


def test_kmeans_warm_start_keeps_its_mean_and_most_codes() -> None:
    """A refit on slightly moved vectors."""
    vectors = clustered()
    first = fit_rq_kmeans(vectors, (8, 8), seed=0)
    moved = vectors + 0.02 * np.random.default_rng(1).standard_normal(vectors.shape).astype(np.float32)
    warm = fit_rq_kmeans(moved, (8, 8), seed=5, initial=first)
    before, after = (q.assign(q.encode(v)) for q, v in ((first, vectors), (warm, moved)))
    assert np.array_equal(warm.mean, first.mean)
    assert (before == after).all(1).mean() > 0.8


def test_kmeans_reads_a_memory_map(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """The same fit from memory and from disk."""
    np.save(tmp_path / "v.npy", clustered())
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    a, b = fit_rq_kmeans(clustered(), (8,), seed=0), fit_rq_kmeans(mapped, (8,), seed=0)
    assert np.array_equal(a.codebooks[0], b.codebooks[0])


def test_lsh_codes_are_signs_of_projections() -> None:
    """Bit j of a level's code says on which side of plane j the item lies."""
    vectors = clustered()
    quantizer = fit_lsh(vectors, (8, 4), seed=0)
    projections = quantizer.encode(vectors)
    bits = (projections > 0).astype(int)
    expected = np.stack([bits[:, :3] @ [1, 2, 4], bits[:, 3:] @ [1, 2]], axis=1)
    assert np.array_equal(quantizer.assign(projections), expected)


def test_lsh_needs_powers_of_two() -> None:
    """Half a hyperplane does not exist."""
    with pytest.raises(ConfigError, match=r"got \[256, 100\]; hyperplanes need powers of two"):
        fit_lsh(clustered(), (256, 100), seed=0)


def test_random_codes_are_uniform_and_seeded() -> None:
    """In range, all used, the same again."""
    codes = random_codes(5_000, (8, 16), seed=0)
    assert codes.dtype == np.int16 and np.array_equal(codes, random_codes(5_000, (8, 16), seed=0))
    assert np.bincount(codes[:, 1], minlength=16) / 5_000 == pytest.approx(np.full(16, 1 / 16), abs=0.02)


def test_pmi_vectors_join_what_co_occurs() -> None:
    """Two triangles of items: alike within, unlike across; an item without pairs is zero."""
    ends = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)]
    vectors = pmi_vectors(linked(ends), 7, dimensions=2)
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > 0.99 and cosines[3, 5] > 0.99
    assert abs(cosines[0, 4]) < 0.01
    assert not vectors[6].any()


def test_pmi_vectors_ignore_heldout_pairs() -> None:
    """Neither side may learn from them."""
    assert not pmi_vectors(linked([(0, 1)], heldout=[True]), 4, dimensions=2).any()


def test_pmi_vectors_are_deterministic() -> None:
    """The solver starts from a fixed vector."""
    pairs = linked([(k, k + 3) for k in range(30)])
    assert np.array_equal(pmi_vectors(pairs, 40, 8), pmi_vectors(pairs, 40, 8))


def test_blend_shares_the_cosine() -> None:
    """A quarter of behaviour: cosines mix three to one."""
    content, behaviour = np.array([[2.0, 0], [0, 1.0]], np.float32), np.array([[1.0], [1.0]], np.float32)
    mixed = blend(content, behaviour, share=0.25)
    assert (mixed @ mixed.T) == pytest.approx(np.array([[1, 0.25], [0.25, 1]]))


def test_mean_of_many_chunks() -> None:
    """Equal to numpy's mean in float64, across the chunk border."""
    vectors = np.random.default_rng(0).standard_normal((70_000, 2)).astype(np.float32) + 100
    assert mean_vector(vectors) == pytest.approx(vectors.astype(np.float64).mean(0), rel=1e-6)
