"""Drift monitors, each moved alone."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from sidflow.embedding.table import Embeddings
from sidflow.histories.table import Histories
from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import CHUNK
from sidflow.semantic_ids import drift
from sidflow.semantic_ids.drift import PreviousState, monitor
from sidflow.semantic_ids.drift_measures import embedding_drift, pair_jaccard, psi, quantisation_error
from tests.semantic_ids.planted import ids_of, quantizer_of, table_of
from tests.semantic_ids.reading import Watched

CROSS = quantizer_of([[1, 0], [0, 1], [-1, 0], [0, -1]])
VECTORS = np.array([[0.8, 0.6], [0.6, 0.8], [-0.8, 0.6], [-0.6, 0.8]], np.float32)
IDS = ids_of(0, 1, 2, 3)


def histories_of(items, item_ids=IDS, start=0):
    """One user whose every event may be learned from, a microsecond apart."""
    events = np.asarray(items, np.int32)
    return Histories(
        pa.array(["u"]),
        np.array([0, len(events)]),
        events,
        start + np.arange(len(events), dtype=np.int64),
        np.array([len(events)], np.int32),
        np.array([0], np.int32),
        item_ids,
    )


def pairs_of(*ends, heldout=True):
    """Significant pairs; all held out unless said otherwise."""
    a, b = np.array(ends, np.int32).reshape(-1, 2).T
    one = np.ones(len(a))
    flags = np.ones(len(a), bool)
    held = np.full(len(a), heldout)
    return Pairs(a, b, one.astype(np.int32), one, one, one, flags, one.astype(np.float32), held)


@pytest.fixture
def state():
    """Four items on four arms; items 0 and 1 are a pair, and 2 and 3."""
    table = table_of([[0], [1], [2], [1]], (4,), ids=IDS)
    return PreviousState(table, CROSS, Embeddings(IDS, VECTORS), histories_of([0, 1, 2, 3]), pairs_of((0, 1), (2, 3)))


def test_nothing_changed(state):
    """The state against itself: no drift in any number."""
    now = monitor(state, state.embeddings, state.histories, state.pairs)
    assert (now.new_items, now.new_share, now.removed_items) == (0, 0.0, 0)
    assert now.new_traffic_share is None
    assert now.embedding_drift == pytest.approx(0, abs=1e-7)
    assert now.distortion_ratio == 1
    assert now.distortion_ratio_new is None
    assert now.traffic_psi == 0
    assert now.pair_jaccard == 1
    json.dumps(now.facts(), allow_nan=False)


def test_new_and_removed_items(state):
    """Item 0 left, items 8 and 9 came and have half of the recent traffic."""
    ids = ids_of(1, 2, 3, 8, 9)
    embeddings = Embeddings(ids, np.concatenate([VECTORS[1:], VECTORS[:2]]))
    histories = histories_of([0, 1, 2, 3], ids, start=2)  # two events are newer than the newest at fit
    histories = replace(histories, items=np.array([0, 1, 2, 4], np.int32))
    now = monitor(state, embeddings, histories, pairs_of())
    assert (now.new_items, now.new_share, now.removed_items) == (2, 0.4, 1)
    assert now.new_traffic_share == 0.5
    assert now.distortion_ratio_new == pytest.approx(1)


def test_embedding_drift_and_distortion(state):
    """One item of four turns onto its arm: it drifts, and its error vanishes."""
    moved = VECTORS.copy()
    moved[0] = [1, 0]
    now = monitor(state, Embeddings(IDS, moved), state.histories, state.pairs)
    assert now.embedding_drift == pytest.approx(0.2 / 4)
    assert now.embedding_drift_p95 == pytest.approx(np.quantile([0.2, 0, 0, 0], 0.95))
    assert now.distortion_ratio == pytest.approx(3 / 4)
    worse = VECTORS.copy()
    worse[0] = np.array([1, 1]) / np.sqrt(2)
    now = monitor(state, Embeddings(IDS, worse), state.histories, state.pairs)
    assert now.distortion_ratio == pytest.approx((3 * 0.4 + 2 - np.sqrt(2)) / (4 * 0.4))


def test_a_catalogue_learned_by_heart_is_no_drift(state):
    """Error that rises from nothing to next to nothing gives ratio 1, not infinity."""
    exact = Embeddings(IDS, CROSS.codebooks[0])
    near = CROSS.codebooks[0] + np.float32(0.005)
    now = monitor(replace(state, embeddings=exact), Embeddings(IDS, near), state.histories, state.pairs)
    assert now.distortion_ratio == 1


def test_traffic_moves_between_codes(state):
    """Traffic that leaves item 0 for item 2 shows as PSI of first codes; items 1 and 3 share a code."""
    now = monitor(state, state.embeddings, histories_of([2, 1, 2, 3]), state.pairs)
    assert now.traffic_psi == pytest.approx(psi(np.array([1, 2, 1, 0]), np.array([0, 2, 2, 0])))
    assert now.traffic_psi > 0.25
    same = monitor(state, state.embeddings, histories_of([0, 3, 2, 1]), state.pairs)
    assert same.traffic_psi == 0


def test_cohesion_ratio_compares_heldout_pairs(state, monkeypatch):
    """Items 1 and 3 share a code, 0 and 2 have their own: shares over how often ends of different pairs are alike."""
    monkeypatch.setattr(drift, "MIN_PAIRS", 2)
    then, now = ((0, 2), (1, 3), (0, 3)), ((1, 3), (1, 3), (0, 2))  # one of three share a code, then two
    chances = 3 / 12, 4 / 12  # of the 4 x 3 ways to take two ends: codes (0, 2), (1, 1), (0, 1); (1, 1), (1, 1), (0, 2)
    state = replace(state, pairs=pairs_of(*then))
    assert monitor(state, state.embeddings, state.histories, pairs_of(*now)).cohesion_ratio == pytest.approx(
        (2 / 3 / chances[1]) / (1 / 3 / chances[0])
    )
    trained = monitor(state, state.embeddings, state.histories, pairs_of(*now, heldout=False))
    assert trained.cohesion_ratio is None


def test_cohesion_ratio_does_not_depend_on_the_number_of_pairs():
    """The same world with 5,000 held-out pairs at fit and 250 now has not drifted, at 256 codes, on the average."""
    rng, codes = np.random.default_rng(0), np.arange(256)

    def world(pairs):
        a = rng.integers(256, size=pairs)
        return pairs_of(
            *zip(a, np.where(rng.random(pairs) < 0.1, a, rng.integers(256, size=pairs)), strict=True)
        ), codes

    ratios = [drift._cohesion_ratio(world(5_000), world(250)) for _ in range(60)]
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)


def test_few_heldout_pairs_measure_nothing(state):
    """A ratio of two handfuls of pairs would be chance."""
    assert monitor(state, state.embeddings, state.histories, state.pairs).cohesion_ratio is None


def test_empty_histories_and_pairs(state):
    """Without traffic or pairs there is nothing to measure, and nothing breaks."""
    now = monitor(state, state.embeddings, histories_of([]), pairs_of())
    assert now.traffic_psi is None
    assert now.pair_jaccard == 0
    assert monitor(replace(state, pairs=pairs_of()), state.embeddings, state.histories, pairs_of()).pair_jaccard is None


def test_psi_literal():
    """Two bins, hand-computed with half a count added to each."""
    p, q = np.array([10.5, 30.5]) / 41, np.array([20.5, 20.5]) / 41
    assert psi(np.array([10, 30]), np.array([20, 20])) == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert psi(np.array([5, 5]), np.array([500, 500])) == 0


def test_quantisation_error_in_chunks():
    """Error and spread over the rows asked for, however many chunks they fill; nothing for none."""
    vectors = np.tile(VECTORS, (CHUNK // 2, 1))
    watched = Watched(vectors)
    error, spread = quantisation_error(CROSS, watched, np.arange(len(vectors)))
    assert error == pytest.approx(0.4)
    assert spread == pytest.approx(float(VECTORS.var(axis=0).sum()))
    assert watched.read == [CHUNK, CHUNK]
    assert quantisation_error(CROSS, vectors, np.array([], int)) == (None, 0.0)


def test_embedding_drift_literal():
    """Turned by ninety degrees, turned round, scaled, and gone."""
    before = np.array([[1, 0], [1, 0], [1, 0], [1, 0]], np.float32)
    now = np.array([[0, 1], [-1, 0], [5, 0], [9, 9]], np.float32)
    assert embedding_drift(before, now, np.array([0, 1, 2, -1])).tolist() == pytest.approx([1, 2, 0])


def test_pair_jaccard_maps_ids():
    """Indices differ between catalogues, ids count; a pair whose item left is in the union only."""
    before, now = pairs_of((0, 1), (1, 2), (2, 3)), pairs_of((0, 1), (0, 2))
    assert pair_jaccard(before, ids_of(0, 1, 2, 3), now, ids_of(1, 2, 3)) == pytest.approx(1 / 4)
