"""Drawing pairs item-uniformly, and the mask of known partners."""

import numpy as np
import pytest

from sidflow.errors import DataContractError
from sidflow.quantizer.sampling import PairSampler
from tests.quantizer.samples import linked

RNG = np.random.default_rng(0)


def test_partners_are_mined_pairs() -> None:
    """Row i and row i + p are always a pair."""
    ends = {(0, 1), (0, 2), (3, 4)}
    items = PairSampler(linked(sorted(ends)), 6).draw(50, RNG).items
    assert {tuple(sorted(pair)) for pair in zip(items[:50].tolist(), items[50:].tolist(), strict=True)} == ends


def test_heldout_pairs_are_neither_drawn_nor_masked() -> None:
    """They never enter a loss, not even as known positives."""
    sampler = PairSampler(linked([(0, 1), (1, 2)], heldout=[False, True]), 3)
    batch = sampler.draw(20, RNG)
    assert set(batch.items.tolist()) == {0, 1} and sampler.pairs == 1
    assert sampler.partners[1, 2] == 0


def test_items_are_drawn_alike_whatever_their_partners() -> None:
    """A hub with 50 partners and a couple: the first ends are uniform over the 53 items."""
    sampler, rng = PairSampler(linked([(0, k) for k in range(1, 51)] + [(51, 52)]), 53), np.random.default_rng(1)
    first = np.concatenate([sampler.draw(500, rng).items[:500] for _ in range(20)])
    assert np.bincount(first, minlength=53) / 10_000 == pytest.approx(np.full(53, 1 / 53), abs=0.006)


def test_excluded_are_the_same_item_and_known_partners() -> None:
    """Against a double loop over the batch."""
    ends = [(0, 1), (1, 2), (2, 3), (4, 5)]
    batch = PairSampler(linked(ends), 6).draw(8, RNG)
    for i, a in enumerate(batch.items.tolist()):
        for j, b in enumerate(batch.items.tolist()):
            assert batch.excluded[i, j] == (a == b or (a, b) in ends or (b, a) in ends)


def test_weights_belong_to_the_drawn_pairs() -> None:
    """One weight a pair."""
    batch = PairSampler(linked([(0, 1)], weight=2.5), 2).draw(3, RNG)
    assert batch.weights.tolist() == [2.5] * 3


def test_pairs_of_weight_zero_are_left_out() -> None:
    """They would be drawn for nothing."""
    assert PairSampler(linked([(0, 1)], weight=0.0), 2).pairs == 0


def test_unknown_items_are_refused() -> None:
    """A pair beyond the catalogue was mined on another one."""
    with pytest.raises(DataContractError, match="pairs name item 7, but the catalogue's items are 0 to 4"):
        PairSampler(linked([(0, 1), (2, 7)]), 5)


def test_pairs_may_be_drawn_alike() -> None:
    """A hub with 50 partners and a couple: the couple's two directions are 2 of 102."""
    sampler = PairSampler(linked([(0, k) for k in range(1, 51)] + [(51, 52)]), 53, draw="pairs")
    batch = sampler.draw(20_000, np.random.default_rng(1))
    first = np.bincount(batch.items[:20_000], minlength=53) / 20_000
    assert first[[51, 52]].sum() == pytest.approx(2 / 102, abs=0.005) and first[0] == pytest.approx(50 / 102, abs=0.02)
    partners = {(0, k) for k in range(1, 51)} | {(51, 52)}
    drawn = zip(batch.items[:20_000].tolist(), batch.items[20_000:].tolist(), strict=True)
    assert {tuple(sorted(pair)) for pair in drawn} == partners


def test_weights_can_be_left_aside() -> None:
    """All pairs count alike."""
    assert PairSampler(linked([(0, 1)], weight=2.5), 2, weighted=False).draw(3, RNG).weights.tolist() == [1.0] * 3


def test_known_partners_may_be_negatives() -> None:
    """Without the mask only the item itself is excluded."""
    batch = PairSampler(linked([(0, 1), (1, 2)]), 3, mask_known=False).draw(8, RNG)
    assert np.array_equal(batch.excluded, batch.items[:, None] == batch.items[None, :])


def test_exact_copies_are_no_negatives() -> None:
    """Item 3 copies item 0: neither is a negative of the other, and partners of one are not of the other."""
    copies = np.array([0, 1, 2, 0, 4, 5])
    batch = PairSampler(linked([(0, 1), (2, 3), (4, 5)]), 6, copies).draw(40, RNG)
    known = {(0, 1), (0, 2), (4, 5)}  # by first copies
    for i, a in enumerate(copies[batch.items].tolist()):
        for j, b in enumerate(copies[batch.items].tolist()):
            assert batch.excluded[i, j] == (a == b or (a, b) in known or (b, a) in known)


def test_copies_change_no_draw() -> None:
    """Only the mask knows of them."""
    pairs, copies = linked([(0, 1), (2, 3)]), np.array([0, 1, 0, 3])
    a, b = (PairSampler(pairs, 4, each).draw(9, np.random.default_rng(0)) for each in (None, copies))
    assert np.array_equal(a.items, b.items) and not np.array_equal(a.excluded, b.excluded)
