"""The peers: k-means on text and on pairs, hyperplanes, random codes."""

from pathlib import Path

import numpy as np
import pytest

from sidflow.errors import ConfigError
from sidflow.quantizer.baselines import fit_lsh, fit_random, fit_rq_kmeans, fit_rq_kmeans_pmi, mean_vector
from sidflow.quantizer.files import load_quantizer, save_quantizer
from sidflow.quantizer.fit import fit_quantizer
from sidflow.quantizer.variance import explained_variance
from tests.quantizer.samples import clustered, config, linked


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
    """In range, all used, the same again; another seed, other codes."""
    vectors = clustered(5_000)
    quantizer, again, other = (fit_random(vectors, (8, 16), seed=seed) for seed in (0, 0, 1))
    codes = quantizer.assign(quantizer.encode(vectors))
    assert np.array_equal(codes, again.assign(again.encode(vectors)))
    assert (codes == other.assign(other.encode(vectors))).mean() < 0.2
    assert np.bincount(codes[:, 1], minlength=16) / 5_000 == pytest.approx(np.full(16, 1 / 16), abs=0.02)


@pytest.mark.parametrize("size", [2, 255, 4_096, 32_768])
def test_random_codes_are_exact_at_every_size(size: int) -> None:
    """The code is the cell that the hash fell into: a codebook of 32,768 has no room for rounding."""
    vectors = np.random.default_rng(0).standard_normal((4_000, 4)).astype(np.float32)
    quantizer = fit_random(vectors, (size, 8), seed=0)
    latents = quantizer.encode(vectors)
    width = np.ceil(np.sqrt(size))
    cells = np.rint(latents[:, :2] + (width - 1) / 2) @ [width, 1]
    assert np.array_equal(quantizer.assign(latents)[:, 0], cells)
    assert cells.max() > 0.99 * (size - 1)


def test_random_codes_know_nothing() -> None:
    """Items of one topic share a first code no more often than chance has it; one item keeps its own anywhere."""
    vectors = clustered(4_000, topics=2)
    quantizer = fit_random(vectors, (8, 8), seed=0)
    codes = quantizer.assign(quantizer.encode(vectors))
    assert (codes[:-2, 0] == codes[2:, 0]).mean() == pytest.approx(1 / 8, abs=0.02)
    assert (codes[:, 0] == codes[:, 1]).mean() == pytest.approx(1 / 8, abs=0.02)
    assert np.array_equal(quantizer.assign(quantizer.encode(vectors[::-7])), codes[::-7])


def test_pairs_reach_the_codes_of_text_and_behaviour() -> None:
    """Eight groups of unlike items that co-occur: first codes follow the groups, which text alone knows nothing of."""
    vectors, groups = clustered(200, topics=200), np.arange(200) // 25
    ends = [(a, b) for a in range(200) for b in range(a + 1, 200) if groups[a] == groups[b]]
    with_pairs = fit_rq_kmeans_pmi(vectors, linked(ends), (8, 16), seed=0)
    text = fit_rq_kmeans(vectors, (8, 16), seed=0)
    a, b = np.array(ends).T
    behaved, plain = (
        (codes[a] == codes[b]).mean() for codes in (q.assign(q.encode(vectors))[:, 0] for q in (with_pairs, text))
    )
    assert behaved > 0.5 > 3 * plain


def test_a_new_item_is_coded_by_its_text() -> None:
    """Close to an item without pairs, it gets that item's code."""
    vectors = clustered(200)
    quantizer = fit_rq_kmeans_pmi(vectors, linked([(0, 1), (2, 3)]), (8, 4), seed=0)
    beside = vectors[100:110] + np.float32(1e-4)
    latents = quantizer.encode(beside)
    assert latents.shape == (10, 16 + 64) and not latents[:, 16:].any()
    assert np.array_equal(quantizer.assign(latents), quantizer.assign(quantizer.encode(vectors[100:110])))


def test_a_warm_start_of_text_and_behaviour_keeps_most_codes() -> None:
    """The axes of an SVD are arbitrary; they are turned onto the earlier ones."""
    vectors, ends = clustered(200), [(k, k + 8) for k in range(0, 190)]
    first = fit_rq_kmeans_pmi(vectors, linked(ends), (8, 8), seed=0)
    warm = fit_rq_kmeans_pmi(vectors, linked(ends[:-4]), (8, 8), seed=5, initial=first)
    before, after = (each.assign(each.encode(vectors)) for each in (first, warm))
    assert (before == after).all(1).mean() > 0.8


def test_without_pairs_behaviour_is_silent() -> None:
    """The codes are those of residual k-means on text."""
    vectors = clustered(200)
    a, b = fit_rq_kmeans_pmi(vectors, None, (8, 8), seed=0), fit_rq_kmeans(vectors, (8, 8), seed=0)
    assert np.array_equal(a.assign(a.encode(vectors)), b.assign(b.encode(vectors)))


@pytest.mark.parametrize("method", ["rq-vae", "rq-kmeans", "rq-kmeans-pmi", "lsh", "random"])
def test_every_method_is_one_interface(method: str, tmp_path: Path) -> None:
    """Fitted through one door; saved, loaded, and the same codes for known and new items."""
    vectors, new = clustered(), clustered(30, seed=9)
    fitted = fit_quantizer(vectors, linked([(k, k + 8) for k in range(0, 180, 4)]), config(method=method)).quantizer
    save_quantizer(fitted, tmp_path)
    loaded = load_quantizer({path.name: path for path in tmp_path.iterdir()})
    assert loaded.method == method and loaded.sizes == (8, 32)
    for each in (vectors, new):
        codes = loaded.assign(loaded.encode(each))
        assert np.array_equal(codes, fitted.assign(fitted.encode(each)))
        assert codes.min() >= 0 and (codes.max(0) < (8, 32)).all()
    assert np.isfinite(loaded.quantise(codes)).all()


@pytest.mark.parametrize("method", ["rq-kmeans-pmi", "lsh", "random"])
def test_every_peer_starts_warm(method: str) -> None:
    """Items keep their codes through a refit on the same catalogue."""
    vectors, pairs = clustered(), linked([(k, k + 8) for k in range(0, 180, 4)])
    first = fit_quantizer(vectors, pairs, config(method=method)).quantizer
    again = fit_quantizer(vectors, pairs, config(method=method, seed=5), initial=first).quantizer
    before, after = (each.assign(each.encode(vectors)) for each in (first, again))
    assert (before == after).all(1).mean() > 0.9


def test_one_level_is_a_flat_vq_vae() -> None:
    """The quantiser with one codebook: a code is the nearest code vector of the encoder's output."""
    vectors = clustered()
    fitted = fit_quantizer(vectors, None, config(codebooks=(200,), steps=60)).quantizer
    latents = fitted.encode(vectors)
    distances = ((latents[:, None] - fitted.codebooks[0][None]) ** 2).sum(-1)
    assert np.array_equal(fitted.assign(latents)[:, 0], distances.argmin(1))


def test_mean_of_many_chunks() -> None:
    """Equal to numpy's mean in float64, across the chunk border."""
    vectors = np.random.default_rng(0).standard_normal((70_000, 2)).astype(np.float32) + 100
    assert mean_vector(vectors) == pytest.approx(vectors.astype(np.float64).mean(0), rel=1e-6)
