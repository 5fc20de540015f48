"""Beam search: exact when wide, and never outside the trie."""

from collections import Counter
from itertools import combinations_with_replacement

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.decoder.mask import make_mask
from sidflow.decoder.model import Decoder
from sidflow.decoder.search import beam_search
from sidflow.decoder.spread import Spread
from sidflow.decoder.trie import build_trie
from sidflow.decoder.walk import is_open
from tests.decoder.worlds import random_decoder, sids_of


def test_trie_literal() -> None:
    """A trie of four SIDs, two of them shared, written out."""
    trie = build_trie(np.array([[1, 0], [0, 2], [1, 0], [1, 5]]))
    assert trie.order.tolist() == [1, 0, 2, 3]
    assert trie.places.tolist() == [1, 0, 2, 3]
    assert [each.codes.tolist() for each in trie.levels] == [[0, 1], [2, 0, 5]]
    assert [each.children.tolist() for each in trie.levels] == [[0, 2], [0, 1, 3]]
    assert [each.begins.tolist() for each in trie.levels] == [[0, 1, 4], [0, 1, 3, 4]]


def oracle_scores(decoder: Decoder, table: torch.Tensor, state: torch.Tensor) -> np.ndarray:
    """Every item's score by teacher forcing its codes one item at a time."""
    scores = []
    with torch.no_grad():
        for item in range(len(decoder.codes)):
            logits = decoder.levels(state[None], decoder.codes[item][None])
            level = sum(
                float(each.log_softmax(-1)[0, code]) for each, code in zip(logits, decoder.codes[item], strict=True)
            )
            share = decoder.dense_share
            scores.append((1 - share) * level + share * float(state @ table[item]))
    return np.array(scores)


@st.composite
def code_tables(draw: st.DrawFn) -> np.ndarray:
    """SIDs of up to 25 items over up to 3 levels, collisions included."""
    levels = draw(st.integers(1, 3))
    rows = draw(st.lists(st.tuples(*[st.integers(0, 3)] * levels), min_size=2, max_size=25))
    return np.array(rows)


@settings(max_examples=100, deadline=None)
@given(
    code_tables(),
    st.integers(1, 30),
    st.randoms(use_true_random=False),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([None, None, 1, 2]),
    st.integers(1, 3),
)
def test_wide_beam_is_exact_search(
    codes: np.ndarray, k: int, random: object, share: float, quota: int | None, level: int
) -> None:
    """With a beam as wide as the catalogue, items and scores are those of scoring every allowed item.

    With a quota, they are those of going down that list and leaving out what is beyond the quota.
    """
    decoder = random_decoder(sids_of(codes), dense_share=share)
    rng = np.random.default_rng(random.randrange(1000))  # type: ignore[attr-defined]
    vectors = rng.standard_normal((len(codes), 6)).astype(np.float32)
    states = torch.from_numpy(rng.standard_normal((3, 16)).astype(np.float32))
    shared = rng.random(len(codes)) < 0.8
    excluded = rng.integers(-1, len(codes), (3, 5))
    table, trie = decoder.item_table(vectors), build_trie(codes)
    mask = make_mask(trie, shared).without(trie, excluded)
    spread = Spread((), quota, min(level, codes.shape[1]))
    items, scores = beam_search(decoder, table, states, trie, len(codes), k, mask, spread=spread)
    for row, gone in enumerate(excluded):
        allowed = shared.copy()
        allowed[gone[gone >= 0]] = False
        every = oracle_scores(decoder, table, states[row])
        expected = best_within(np.where(allowed, every, -np.inf), codes[:, :level], k, quota or k)
        found = len(expected)
        listed = items[row, :found].numpy()
        assert (items[row, found:] == -1).all() and (scores[row, found:] == -torch.inf).all()
        assert len(set(listed.tolist())) == found and allowed[listed].all()
        np.testing.assert_allclose(scores[row, :found], expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(every[listed], expected, rtol=1e-4, atol=1e-4)


@settings(max_examples=150, deadline=None)
@given(
    code_tables(),
    st.integers(1, 30),
    st.integers(0, 99),
    st.integers(1, 8),
    st.integers(1, 3),
    st.sampled_from([0.4, 1]),
)
def test_a_beam_of_k_fills_a_list_within_any_quota(
    codes: np.ndarray, k: int, seed: int, quota: int, level: int, share: float
) -> None:
    """Whatever the mask and the quota, as many items come as may be recommended, and never more of a prefix."""
    rng, level = np.random.default_rng(seed), min(level, codes.shape[1])
    decoder, trie, allowed = random_decoder(sids_of(codes)), build_trie(codes), rng.random(len(codes)) < share
    table = decoder.item_table(rng.standard_normal((len(codes), 6)).astype(np.float32))
    states = torch.from_numpy(rng.standard_normal((2, 16)).astype(np.float32))
    spread = Spread((), quota, level)
    items, _ = beam_search(decoder, table, states, trie, k, k, make_mask(trie, allowed), spread=spread)
    possible = Counter(tuple(prefix) for prefix in codes[allowed, :level].tolist())
    for row in items.numpy():
        listed = row[row >= 0]
        taken = Counter(tuple(prefix) for prefix in codes[listed, :level].tolist())
        assert max(taken.values(), default=0) <= quota
        assert len(set(listed.tolist())) == min(k, sum(min(quota, many) for many in possible.values()))


def best_within(scores: np.ndarray, prefixes: np.ndarray, k: int, quota: int) -> list[float]:
    """The k best scores, at most `quota` of a prefix (N, l)."""
    best: list[float] = []
    taken = Counter[tuple[int, ...]]()
    for item in np.argsort(-scores, kind="stable"):
        prefix = tuple(prefixes[item].tolist())
        if np.isfinite(scores[item]) and taken[prefix] < quota and len(best) < k:
            best.append(float(scores[item]))
            taken[prefix] += 1
    return best


def test_narrow_beam_still_finds_as_many_as_it_is_wide() -> None:
    """A mask that leaves items under few prefixes does not starve the beam."""
    codes = np.array([[a, b] for a in range(6) for b in range(6)])
    decoder = random_decoder(sids_of(codes))
    table = decoder.item_table(np.zeros((36, 6), np.float32))
    trie, allowed = build_trie(codes), np.zeros(36, bool)
    allowed[[3, 17, 30, 31]] = True
    items, _ = beam_search(decoder, table, torch.zeros(1, 16), trie, 4, 4, make_mask(trie, allowed))
    assert sorted(items[0].tolist()) == [3, 17, 30, 31]


def test_mask_that_allows_nothing_finds_nothing() -> None:
    """No allowed item: an empty list, not a wrong one."""
    codes = np.array([[0, 0], [0, 1], [1, 0]])
    decoder = random_decoder(sids_of(codes))
    table = decoder.item_table(np.zeros((3, 6), np.float32))
    trie = build_trie(codes)
    items, scores = beam_search(decoder, table, torch.zeros(2, 16), trie, 5, 2, make_mask(trie, np.zeros(3, bool)))
    assert (items == -1).all() and (scores == -torch.inf).all()


def test_collisions_expand_in_catalogue_order() -> None:
    """Items of one SID tie without a dense head and come in catalogue order."""
    codes = np.array([[0, 0], [1, 1], [0, 0], [0, 0]])
    decoder = random_decoder(sids_of(codes), dense_share=0.0)
    table = decoder.item_table(np.zeros((4, 6), np.float32))
    items, _ = beam_search(decoder, table, torch.ones(1, 16), build_trie(codes), 10, 4)
    listed = [item for item in items[0].tolist() if item != 1]
    assert listed == [0, 2, 3]


@pytest.mark.parametrize("beam", [1, 3, 50])
def test_results_are_existing_distinct_items(beam: int) -> None:
    """Whatever the beam, nothing is invented or repeated."""
    rng = np.random.default_rng(0)
    codes = np.unique(rng.integers(0, 8, (60, 3)), axis=0)
    decoder = random_decoder(sids_of(codes))
    table = decoder.item_table(rng.standard_normal((len(codes), 6)).astype(np.float32))
    states = torch.from_numpy(rng.standard_normal((4, 16)).astype(np.float32))
    items, scores = beam_search(decoder, table, states, build_trie(codes), beam, 10)
    for row, values in zip(items, scores, strict=True):
        found = row[row >= 0].tolist()
        assert len(found) == len(set(found)) == min(beam, 10)
        assert (values[: len(found)].diff() <= 0).all()


@settings(max_examples=100, deadline=None)
@given(code_tables(), st.randoms(use_true_random=False))
def test_a_mask_knows_where_something_is_allowed(codes: np.ndarray, random: object) -> None:
    """Over any stretch of the order and any row, as a boolean mask does; repeats and -1 exclude nothing more."""
    rng = np.random.default_rng(random.randrange(1000))  # type: ignore[attr-defined]
    n, trie = len(codes), build_trie(codes)
    shared, excluded = rng.random(n) < 0.6, rng.integers(-1, n, (2, 4))
    mask = make_mask(trie, shared).without(trie, excluded)
    for row in range(2):
        allowed = shared.copy()
        allowed[excluded[row][excluded[row] >= 0]] = False
        ordered = allowed[trie.order]
        for first, last in combinations_with_replacement(range(n + 1), 2):
            assert is_open(mask, row, first, last) == ordered[first:last].any()


def test_a_mask_without_exclusions() -> None:
    """What `make_mask` gives serves all rows."""
    trie = build_trie(np.array([[1, 0], [0, 2], [1, 5]]))
    mask = make_mask(trie, np.array([True, False, True]))
    assert mask.before.tolist() == [0, 0, 1, 2]
    assert [is_open(mask, row, 0, 1) or not is_open(mask, row, 1, 2) for row in range(3)] == [False] * 3
    assert make_mask(trie).before.tolist() == [0, 1, 2, 3]
    assert mask.without(trie, np.array([[0, 2, 0, -1]])).excluded.tolist() == [[1, 2, 3, 3]]


@pytest.mark.parametrize(("level", "most"), [(1, 1), (1, 2), (2, 1)])
def test_a_quota_is_kept_and_the_list_still_full(level: int, most: int) -> None:
    """Six first codes, six second ones, four items each: a narrow beam still finds ten items where the quota allows."""
    codes = np.array([[a, b, c] for a in range(6) for b in range(6) for c in range(4)])
    rng = np.random.default_rng(1)
    decoder = random_decoder(sids_of(codes))
    table = decoder.item_table(rng.standard_normal((len(codes), 6)).astype(np.float32))
    states = torch.from_numpy(rng.standard_normal((5, 16)).astype(np.float32))
    items, _ = beam_search(decoder, table, states, build_trie(codes), 12, 10, spread=Spread((), most, level))
    for row in items.numpy():
        _, times = np.unique(codes[row[row >= 0], :level], axis=0, return_counts=True)
        assert times.max() <= most
        assert (row >= 0).sum() == min(10, most * 6**level)


def test_temperature_divides_logits_by_level() -> None:
    """At a temperature near zero on the last level, its best code is as good as certain."""
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    decoder = random_decoder(sids_of(codes), dense_share=0.0)
    table = decoder.item_table(np.zeros((4, 6), np.float32))
    states = torch.from_numpy(np.random.default_rng(2).standard_normal((1, 16)).astype(np.float32))
    trie = build_trie(codes)
    _, plain = beam_search(decoder, table, states, trie, 4, 4)
    _, same = beam_search(decoder, table, states, trie, 4, 4, spread=Spread((1.0,)))
    _, cold = beam_search(decoder, table, states, trie, 4, 4, spread=Spread((1.0, 0.01)))
    assert plain.tolist() == same.tolist()
    assert cold.exp()[0, :2].sum().item() == pytest.approx(1.0, abs=1e-5)
    assert (cold.exp()[0, 2:] < 1e-3).all()
