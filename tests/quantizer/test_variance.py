"""Explained variance by hand, against least squares, and in chunks as in one piece."""

import numpy as np
import pytest

from sidflow.quantizer import variance
from sidflow.quantizer.baselines import fit_rq_kmeans
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.variance import assign_and_explain, embedding_variance, explained_variance
from tests.quantizer.samples import clustered, literal


def test_explained_variance_by_hand() -> None:
    """Latents on the corners, moved by one unit: the first level leaves 0.5 of each, the second nothing."""
    latents = np.array([[5, 0], [0, 4], [4, 5], [0, 0]], np.float32)
    codes = literal().assign(latents)
    total = float(((latents - latents.mean(0)) ** 2).sum())
    assert explained_variance(literal(), latents, codes) == pytest.approx([1 - 2 / total, 1], abs=1e-6)


def test_latents_that_do_not_vary_leave_nothing_to_explain() -> None:
    """Not a division by zero, nor by rounding."""
    latents = np.full((5, 2), 3.1, np.float32)
    assert explained_variance(literal(), latents, literal().assign(latents)) == [0.0, 0.0]


def test_chunks_give_the_codes_and_the_shares_of_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks that do not divide the catalogue."""
    vectors = clustered()
    quantizer = fit_rq_kmeans(vectors, (8, 16), seed=0)
    latents = quantizer.encode(vectors)
    codes = quantizer.assign(latents)
    expected = explained_variance(quantizer, latents, codes)
    monkeypatch.setattr(variance, "CHUNK", 7)
    found, shares = assign_and_explain(quantizer, vectors)
    assert np.array_equal(found, codes)
    assert shares == pytest.approx(expected, abs=2e-6)
    assert explained_variance(quantizer, latents, codes) == pytest.approx(expected, abs=2e-6)


def least_squares(vectors: np.ndarray, codes: np.ndarray) -> list[float]:
    """The same by numpy, on one column a code."""
    centred, shares = vectors - vectors.mean(0), []
    taken = np.zeros((len(codes), 0))
    for column in codes.T:
        taken = np.hstack([taken, np.eye(column.max() + 1)[column]])
        left = centred - taken @ np.linalg.lstsq(taken, centred, rcond=None)[0]
        shares.append(1 - np.square(left).sum() / np.square(centred).sum())
    return shares


@pytest.mark.parametrize("dense", [0, 2_048])
@pytest.mark.parametrize("dependent", [0.0, 0.9, 1.0])
def test_embedding_variance_is_that_of_least_squares(
    monkeypatch: pytest.MonkeyPatch, dense: int, dependent: float
) -> None:
    """Levels that tell nothing of each other, nearly all, or all; codes that nobody has; vectors far from zero."""
    monkeypatch.setattr(variance, "CHUNK", 64)
    monkeypatch.setattr(variance, "DENSE", dense)
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 9, (200, 3)).astype(np.int16)
    follow = rng.random(200) < dependent
    codes[follow, 1] = codes[follow, 0]
    codes[:, 2] *= 2
    vectors = clustered() + np.float32(100)
    assert embedding_variance(vectors, codes) == pytest.approx(least_squares(vectors.astype(float), codes), abs=2e-6)


def test_embedding_variance_by_hand() -> None:
    """Two groups of two, whose means explain 64 of 74 squares; the second level splits one, which explains 2 more."""
    vectors = np.array([[3], [5], [-2], [-6]], np.float32)
    codes = np.array([[0, 1], [0, 2], [1, 0], [1, 0]], np.int16)
    total = 9 + 25 + 4 + 36
    assert embedding_variance(vectors, codes) == pytest.approx([64 / total, 66 / total], abs=1e-6)


def test_embedding_variance_shows_a_collapse_that_latents_hide() -> None:
    """An encoder that tells two halves apart and nothing else: two of eight codes explain all it says."""
    vectors = clustered(topics=8)
    steep = np.zeros((1, 16), np.float32)
    steep[0, 0] = 1e6
    layers = (
        (np.vstack([steep, steep]), np.array([0, -1], np.float32)),  # relu(x) - relu(x - 1) is 0 or 1
        (np.array([[1, -1]], np.float32), np.zeros(1, np.float32)),
    )
    codebook = np.array([[0], [1], *[[1e3]] * 6], np.float32)
    collapsed = Quantizer(vectors.mean(0), layers, (codebook,), (np.zeros(8, np.float32),), "by-hand")
    peer = fit_rq_kmeans(vectors, (8,), seed=0)
    (own, own_text), (other, other_text) = (
        (explained[-1], embedding_variance(vectors, codes)[-1])
        for codes, explained in (assign_and_explain(each, vectors) for each in (collapsed, peer))
    )
    assert own > 0.99 > other
    assert own_text < 0.4 < 0.7 < other_text


def test_vectors_that_do_not_vary_have_nothing_to_explain() -> None:
    """Nor do those of a single item."""
    assert embedding_variance(np.full((5, 2), 3.1, np.float32), np.zeros((5, 2), np.int16)) == [0.0, 0.0]
    assert embedding_variance(np.ones((1, 2), np.float32), np.zeros((1, 1), np.int16)) == [0.0]
