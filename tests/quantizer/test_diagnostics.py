"""Every diagnostic on codes by hand, and lift where raw figures mislead."""

import math

import numpy as np
import pytest

from sidflow.errors import ShapeError
from sidflow.quantizer import variance
from sidflow.quantizer.baselines import fit_rq_kmeans
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.diagnostics import conditional_entropy, describe_codes, diagnose, gini
from tests.quantizer.samples import clustered, linked

CODES = np.array([[0, 0], [0, 1], [1, 0], [1, 0]], np.int16)


def test_balance_and_collisions_by_hand() -> None:
    """Four items, codebooks of 4 and 2 codes, two items on one SID."""
    facts = describe_codes(CODES, (4, 2))
    assert facts["usage"] == [0.5, 1.0]
    assert facts["perplexity"] == pytest.approx(
        [0.5, math.exp(-0.75 * math.log(0.75) - 0.25 * math.log(0.25)) / 2], abs=1e-6
    )
    assert facts["unique_share"] == 0.75 and facts["collisions"] == 0.25
    assert facts["alone_share"] == 0.5 and facts["max_bucket"] == 2
    assert facts["cohesion"] is None and facts["nmi"] is None


def test_gini_is_zero_when_even_and_large_when_one_has_all() -> None:
    """(n - 1) / n is the largest value for n codes."""
    assert gini(np.array([3, 3, 3])) == 0
    assert gini(np.array([0, 0, 9])) == pytest.approx(2 / 3)


def test_conditional_entropy_by_hand() -> None:
    """Given first code 0 the second is a fair coin; given 1 it is fixed: half a bit."""
    assert conditional_entropy(CODES, (2, 2)) == pytest.approx([1, 0.5])


def test_heldout_cohesion_does_not_depend_on_how_pairs_are_turned() -> None:
    """A pair's first end is the smaller id, which may go along with codes: it says nothing of the pair."""
    codes = np.repeat([[0, 0], [1, 1]], 4, axis=0)
    pairs = linked([(0, 4), (1, 5), (2, 3), (6, 7)], heldout=[True] * 4)
    turned = linked([(4, 0), (1, 5), (2, 3), (6, 7)], heldout=[True] * 4)
    assert describe_codes(codes, (2, 2), pairs)["cohesion"] == describe_codes(codes, (2, 2), turned)["cohesion"]


def test_only_heldout_pairs_are_measured() -> None:
    """Pairs that were learned from say nothing."""
    pairs = linked([(0, 1), (2, 3), (0, 3)], heldout=[True, False, True])
    assert describe_codes(CODES, (2, 2), pairs)["cohesion"][0]["pairs"] == 2
    assert describe_codes(CODES, (2, 2), linked([(0, 1)]))["cohesion"] is None


def test_a_level_of_one_code_has_no_entropy() -> None:
    """A suffix that no item needs: ln 1 is no unit, and nothing is left to know."""
    codes = np.hstack([CODES, np.zeros((4, 1), np.int16)])
    assert conditional_entropy(codes, (2, 2, 1)) == pytest.approx([1, 0.5, 0])
    assert describe_codes(codes, (2, 2, 1))["conditional_entropy"][2] == 0


def test_diagnose_has_everything() -> None:
    """What codes tell alone, of pairs, of labels, of latents and of embeddings."""
    vectors = clustered()
    quantizer = fit_rq_kmeans(vectors, (8, 8), seed=0)
    labels = [str(item % 8) for item in range(200)]
    pairs = linked([(k, k + 8) for k in range(0, 100, 10)], heldout=[True] * 10)
    facts = diagnose(quantizer, vectors, pairs, labels)
    assert facts["nmi"]["share"] > 0.9 and facts["neighbours"][0]["lift"] > 4
    assert facts["cohesion"][0]["share"] > 0.8
    assert len(facts["explained_variance"]) == 2 and facts["explained_variance"][1] > 0.8
    assert len(facts["embedding_variance"]) == 2 and facts["embedding_variance"][1] > 0.8


def test_vectors_of_another_width_are_refused() -> None:
    """They are not what the quantiser was fitted on."""
    quantizer = fit_rq_kmeans(clustered(), (8, 8), seed=0)
    with pytest.raises(ShapeError, match=r"vectors have shape \(200, 12\)"):
        diagnose(quantizer, clustered(dim=12))


def test_latents_are_there_a_chunk_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million of them, as wide as the texts, would take 1.5 GB."""
    monkeypatch.setattr(variance, "CHUNK", 32)
    encode, widest = Quantizer.encode, []
    monkeypatch.setattr(Quantizer, "encode", lambda self, rows: widest.append(len(rows)) or encode(self, rows))
    diagnose(fit_rq_kmeans(clustered(), (8, 8), seed=0), clustered())
    assert max(widest[1:]) == 32
