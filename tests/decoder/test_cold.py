"""Places that are kept for items without a past."""

import numpy as np
import pytest
import torch

from sidflow.decoder.cold import WIDER, Search, interleave
from sidflow.decoder.model import Decoder
from sidflow.decoder.search import beam_search
from sidflow.decoder.spread import Spread
from sidflow.decoder.trie import build_trie
from tests.decoder.worlds import random_decoder, sids_of

CODES = np.array([[a, b] for a in range(5) for b in range(4)])
COLD = np.arange(20) % 4 == 1  # five of twenty


def listed(items: list[int], k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A list of one row, padded to k; item i has score -i."""
    row = torch.tensor([items + [-1] * (k - len(items))])
    return row, torch.where(row < 0, -torch.inf, -row.float())


@pytest.mark.parametrize(
    ("known", "cold", "share", "expected"),
    [
        ([1, 2, 3, 4, 5, 6], [91, 92], 0.5, [1, 91, 2, 92, 3, 4]),
        ([1, 2, 3, 4, 5, 6], [91, 92, 93], 1 / 3, [1, 2, 91, 3, 4, 92]),
        ([1, 2, 3, 4, 5, 6], [], 0.5, [1, 2, 3, 4, 5, 6]),
        ([1, 2], [91, 92, 93], 0.1, [1, 2, 91, 92, 93, -1]),
        ([1, 2, 3], [91], 1.0, [91, 1, 2, 3, -1, -1]),
        ([], [], 0.5, [-1] * 6),
    ],
)
def test_every_nth_place_is_cold(known: list[int], cold: list[int], share: float, expected: list[int]) -> None:
    """Where one list ends the other fills up, and what is in neither is nothing."""
    items, scores = interleave(listed(known, 6), listed(cold, 6), share)
    assert items.tolist() == [expected]
    assert scores.tolist() == [[-float("inf") if each < 0 else -float(each) for each in expected]]


def test_a_quota_counts_both_kinds() -> None:
    """Item i is of group i % 10: one that is full is passed over, in its own list and in the other."""
    known, cold = listed([1, 11, 2, 3], 4), listed([91, 92, 94], 4)
    groups = np.array([[1, 1, 2, 3, 1, 2, 4, 0]])
    assert interleave(known, cold, 0.5, groups, 1)[0].tolist() == [[1, 92, 3, 94]]
    assert interleave(known, cold, 0.5, groups, 2)[0].tolist() == [[1, 91, 2, 92]]
    items, scores = interleave(known, cold, 0.5, np.zeros((1, 8), np.int64), 1)
    assert items.tolist() == [[1, -1, -1, -1]] and scores[0, 1:].tolist() == [-torch.inf] * 3


def make(share: float) -> tuple[Decoder, torch.Tensor, torch.Tensor]:
    """A decoder that knows three quarters of the items, its table, and two states."""
    decoder = random_decoder(sids_of(CODES), cold_share=share)
    decoder.items.known.copy_(torch.from_numpy(~COLD))
    rng = np.random.default_rng(0)
    table = decoder.item_table(rng.standard_normal((20, 6)).astype(np.float32))
    return decoder, table, torch.from_numpy(rng.standard_normal((2, 16)).astype(np.float32))


def test_without_a_share_all_items_compete() -> None:
    """One search, as `beam_search` makes it."""
    decoder, table, states = make(0.0)
    trie = build_trie(CODES)
    items, scores = Search(decoder, table, trie)(states, 30, 8)
    expected, values = beam_search(decoder, table, states, trie, 30, 8)
    assert items.tolist() == expected.tolist() and scores.tolist() == values.tolist()


def test_a_share_holds_and_a_shorter_list_is_the_beginning_of_a_longer_one() -> None:
    """Every fourth place, whatever k; each kind in its own order; exclusions and availability hold for both."""
    decoder, table, states = make(0.25)
    allowed = np.ones(20, bool)
    allowed[[1, 2]] = False
    excluded = np.array([[5, 0], [-1, -1]])
    search = Search(decoder, table, build_trie(CODES), allowed)
    long, _ = search(states, 30, 12, excluded)
    short, _ = search(states, 30, 5, excluded)
    assert short.tolist() == long[:, :5].tolist()
    assert COLD[long[1].numpy()].tolist() == [False, False, False, True] * 3
    assert not set(long.flatten().tolist()) & {1, 2} and not set(long[0].tolist()) & {5, 0}
    plain, _ = beam_search(decoder, table, states, build_trie(CODES), 30, 20)
    for row, ranked in zip(long.tolist(), plain.tolist(), strict=True):
        for kind in (COLD, ~COLD):
            own = [item for item in row if kind[item]]
            assert own == [item for item in ranked if item in own]


@pytest.mark.parametrize(("quota", "level", "k"), [(1, 1, 5), (2, 1, 9), (1, 2, 20), (3, 1, 20)])
def test_a_quota_holds_over_the_merged_list(quota: int, level: int, k: int) -> None:
    """Five first codes of four items each, one of them cold: as many come as the quota allows, and no more of one."""
    decoder, table, states = make(0.5)
    items, _ = Search(decoder, table, build_trie(CODES))(states, k, k, spread=Spread((), quota, level))
    for row in items.numpy():
        found = row[row >= 0]
        _, times = np.unique(CODES[found, :level], axis=0, return_counts=True)
        assert times.max() <= quota
        assert len(set(found.tolist())) == min(k, quota * 5 if level == 1 else 20)
        assert COLD[found].any()


def test_a_catalogue_without_cold_items_is_searched_once() -> None:
    """The share is of nothing."""
    decoder, table, _ = make(0.25)
    assert len(Search(decoder, table, build_trie(CODES), ~COLD).masks) == 1


def test_cold_items_are_searched_with_a_wider_beam() -> None:
    """A beam of one prefix a level finds one known item, and as many cold ones as the wider beam has prefixes."""
    decoder, table, states = make(0.5)
    items, _ = Search(decoder, table, build_trie(CODES))(states, 1, 20)
    cold = torch.from_numpy(COLD)[items.clamp_min(0)] & (items >= 0)
    assert ((items >= 0) & ~cold).sum(1).tolist() == [1, 1]
    assert cold.sum(1).tolist() == [WIDER, WIDER]
