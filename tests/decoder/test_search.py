"""Beam search: exact when wide, and never outside the trie."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.decoder.model import Decoder
from sidflow.decoder.search import beam_search, build_trie
from tests.decoder.worlds import random_decoder, sids_of


def test_trie_literal() -> None:
    """A trie of four SIDs, two of them shared, written out."""
    trie = build_trie(np.array([[1, 0], [0, 2], [1, 0], [1, 5]]))
    assert trie.order.tolist() == [1, 0, 2, 3]
    assert [each.tolist() for each in trie.codes] == [[0, 1], [2, 0, 5]]
    assert [each.tolist() for each in trie.children] == [[0, 2], [0, 1, 3]]
    assert [each.tolist() for each in trie.begins] == [[0, 4], [0, 1, 4], [0, 1, 3, 4]]
    assert trie.branching == (2, 2)


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


@settings(max_examples=25, deadline=None)
@given(code_tables(), st.integers(1, 30), st.randoms(use_true_random=False), st.sampled_from([0.0, 0.5, 1.0]))
def test_wide_beam_is_exact_search(codes: np.ndarray, k: int, random: object, share: float) -> None:
    """With a beam as wide as the catalogue, items and scores are those of scoring every allowed item."""
    decoder = random_decoder(sids_of(codes), dense_share=share)
    rng = np.random.default_rng(random.randrange(1000))  # type: ignore[attr-defined]
    vectors = rng.standard_normal((len(codes), 6)).astype(np.float32)
    states = torch.from_numpy(rng.standard_normal((3, 16)).astype(np.float32))
    allowed = rng.random((3, len(codes))) < 0.7
    table = decoder.item_table(vectors)
    items, scores = beam_search(decoder, table, states, build_trie(codes), len(codes), k, torch.from_numpy(allowed))
    for row in range(3):
        expected = np.where(allowed[row], oracle_scores(decoder, table, states[row]), -np.inf)
        found = min(k, int(allowed[row].sum()))
        assert (items[row, found:] == -1).all() and (scores[row, found:] == -torch.inf).all()
        listed = items[row, :found].numpy()
        assert len(set(listed.tolist())) == found
        np.testing.assert_allclose(scores[row, :found], np.sort(expected)[::-1][:found], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(expected[listed], scores[row, :found], rtol=1e-4, atol=1e-4)


def test_narrow_beam_still_finds_as_many_as_it_is_wide() -> None:
    """A mask that leaves items under few prefixes does not starve the beam."""
    codes = np.array([[a, b] for a in range(6) for b in range(6)])
    decoder = random_decoder(sids_of(codes))
    table = decoder.item_table(np.zeros((36, 6), np.float32))
    allowed = torch.zeros(36, dtype=torch.bool)
    allowed[[3, 17, 30, 31]] = True
    items, _ = beam_search(decoder, table, torch.zeros(1, 16), build_trie(codes), 4, 4, allowed)
    assert sorted(items[0].tolist()) == [3, 17, 30, 31]


def test_mask_that_allows_nothing_finds_nothing() -> None:
    """No allowed item: an empty list, not a wrong one."""
    codes = np.array([[0, 0], [0, 1], [1, 0]])
    decoder = random_decoder(sids_of(codes))
    table = decoder.item_table(np.zeros((3, 6), np.float32))
    none = torch.zeros(3, dtype=torch.bool)
    items, scores = beam_search(decoder, table, torch.zeros(2, 16), build_trie(codes), 5, 2, none)
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
