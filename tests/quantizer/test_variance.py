"""Explained variance by hand, and in chunks as in one piece."""

import numpy as np
import pytest

from sidflow.quantizer import variance
from sidflow.quantizer.baselines import fit_rq_kmeans
from sidflow.quantizer.variance import assign_and_explain, explained_variance
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
