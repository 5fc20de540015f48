"""Tiers, caps, weights and the held-out sample."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidflow.config.learning import PairsConfig
from sidflow.pairs.margins import Margins
from sidflow.pairs.screen import Screened
from sidflow.pairs.select import MAX_WEIGHT, TOP_UP_TRUST, Selection, held_out, select_pairs
from sidflow.pairs.significance import lower_bound_pmi

N_ITEMS = 40
IDS = pa.array([f"i{item:03d}" for item in range(N_ITEMS)])
TOTAL = 10_000
TESTS = N_ITEMS * (N_ITEMS - 1) // 2


def select(rows: list[tuple[int, int, int]], decayed: Sequence[float] = (), **settings: object) -> Selection:
    """Select among (a, b, support) rows; every margin is 100, so E = 0.5 for every pair."""
    config = PairsConfig.model_validate({"heldout_share": 0.0, **settings})
    a, b, support = (np.array(column, np.int32) for column in zip(*rows, strict=True))
    screened = Screened(a, b, support, np.array(decayed, np.float32), np.ones(N_ITEMS, np.bool_))
    return select_pairs(screened, Margins(np.full(N_ITEMS, 100.0), 0.5 / TOTAL), TESTS, IDS, config)


def kept(selection: Selection) -> list[tuple[int, int, bool]]:
    """(a, b, significant) of the kept pairs."""
    pairs = selection.pairs
    return list(zip(pairs.a.tolist(), pairs.b.tolist(), pairs.significant.tolist(), strict=True))


def test_tiers():
    """E = 0.5: support 20 is significant, 5 has p = 1.7e-4 and tops up, 2 has p = 0.09 and goes."""
    selection = select([(0, 1, 20), (2, 3, 5), (4, 5, 2)])
    assert kept(selection) == [(0, 1, True), (2, 3, False)]
    assert selection.passed == 1


def test_columns_of_a_kept_pair():
    """Expected, PMI and the p-value against iota = ln 2, by hand."""
    pairs = select([(0, 1, 20)]).pairs
    assert pairs.expected.tolist() == [0.5]
    assert pairs.pmi == pytest.approx([np.log(40)])
    assert pairs.p_value == pytest.approx([1.593e-19], rel=1e-3)  # poisson.sf(19, 1)
    assert pairs.weight.dtype == np.float32 and pairs.a.dtype == np.int32


def test_p_cut_is_the_largest_accepted():
    """The threshold is one of the p-values."""
    selection = select([(0, 1, 20), (2, 3, 15)])
    assert selection.p_cut == selection.pairs.p_value.max() and selection.passed == 2


def test_items_with_enough_partners_are_not_topped_up():
    """With topup_partners = 1: a pair enters for its partnerless item, not between two items that have one."""
    assert kept(select([(0, 1, 20), (0, 4, 5), (2, 3, 5)], topup_partners=1)) == [
        (0, 1, True),
        (0, 4, False),
        (2, 3, False),
    ]
    assert kept(select([(0, 1, 20), (0, 2, 20), (1, 2, 5)], topup_partners=1)) == [(0, 1, True), (0, 2, True)]


def test_top_up_takes_the_best_first():
    """Item 0 gets its two most certain partners, all of which have enough others."""
    rows = [(0, 1, 4), (0, 2, 6), (0, 3, 5)] + [(a, b, 20) for a, b in [(1, 2), (1, 3), (2, 3)]]
    found = kept(select(sorted(rows), topup_partners=2, topup_p=0.01))
    assert [row for row in found if not row[2]] == [(0, 2, False), (0, 3, False)]


def test_top_up_can_be_switched_off():
    """topup_partners = 0."""
    assert kept(select([(0, 1, 20), (2, 3, 5)], topup_partners=0)) == [(0, 1, True)]


def test_no_item_exceeds_the_partner_cap():
    """Item 0 keeps its two best of three; ties would go to the lowest index."""
    selection = select([(0, 1, 20), (0, 2, 30), (0, 3, 25)], max_partners=2)
    assert kept(selection) == [(0, 2, True), (0, 3, True)]
    assert selection.passed == 3


def test_ties_go_to_the_lowest_indices():
    """Equal p-values are filled in the order of (a, b)."""
    assert kept(select([(0, 3, 20), (1, 3, 20), (2, 3, 20)], max_partners=2)) == [(0, 3, True), (1, 3, True)]


def test_the_cap_ranks_where_p_underflows():
    """Supports of 300 and 400 both have p = 0; the larger wins."""
    rows = [(0, 1, 300), (0, 2, 400)]
    assert kept(select(rows, max_partners=1)) == [(0, 2, True)]


def test_weights():
    """Clipped lower bounds at the laxer of both thresholds; top-up pairs weigh half."""
    weight = dict(zip([20, 5], select([(0, 1, 20), (2, 3, 5)]).pairs.weight.tolist(), strict=True))
    bound = lower_bound_pmi(np.array([20, 5]), np.array([0.5, 0.5]), 1e-3)
    assert weight[20] == pytest.approx(bound[0]) and weight[5] == pytest.approx(TOP_UP_TRUST * bound[1])


def test_weights_are_capped():
    """A pair a thousand times above chance is no more than certain."""
    assert select([(0, 1, 3_000)]).pairs.weight.tolist() == [MAX_WEIGHT]


def test_decayed_support_weighs():
    """Of 20 users a quarter's worth is left: a quarter of the weight; the count and the test stay."""
    fresh, stale = select([(0, 1, 20)]).pairs, select([(0, 1, 20)], decayed=[5.0]).pairs
    assert stale.weight[0] == pytest.approx(fresh.weight[0] / 4) and stale.decayed.tolist() == [5.0]
    assert (stale.support[0], stale.p_value[0]) == (fresh.support[0], fresh.p_value[0]) and fresh.decayed is None


@given(st.dictionaries(st.tuples(st.integers(0, 9), st.integers(10, 19)), st.integers(1, 60), min_size=1))
def test_invariants(table: dict[tuple[int, int], int]):
    """Any table: sorted rows, positive weights, capped partners, items topped up only while they need it."""
    rows = [(a, b, support) for (a, b), support in sorted(table.items())]
    selection = select(rows, max_partners=4, topup_partners=2, heldout_share=0.5)
    pairs = selection.pairs
    assert list(zip(pairs.a, pairs.b, strict=True)) == sorted(zip(pairs.a, pairs.b, strict=True))
    assert (pairs.weight > 0).all() and not (pairs.heldout & ~pairs.significant).any()
    assert (pairs.p_value[pairs.significant] <= selection.p_cut).all()
    partners = np.bincount(np.concatenate((pairs.a, pairs.b)), minlength=N_ITEMS)
    assert partners.max(initial=0) <= 4
    strong = np.bincount(np.concatenate((pairs.a[pairs.significant], pairs.b[pairs.significant])), minlength=N_ITEMS)
    weak = ~pairs.significant
    assert (np.minimum(strong[pairs.a[weak]], strong[pairs.b[weak]]) < 2).all()


def test_held_out_depends_on_the_ids_alone():
    """The same two items are held out whatever their indices and whichever pairs surround them."""
    a, b = np.triu_indices(N_ITEMS, 1)
    whole = held_out(a, b, IDS, 0.3)
    grown = pa.array(["a-new-item", *IDS.to_pylist()])
    assert held_out(a[::7] + 1, b[::7] + 1, grown, 0.3).tolist() == whole[::7].tolist()


def test_held_out_is_a_sample_of_the_share():
    """780 pairs at 30%: within four standard deviations of 234, and nested in the sample at 60%."""
    a, b = np.triu_indices(N_ITEMS, 1)
    sample = held_out(a, b, IDS, 0.3)
    assert abs(sample.sum() - 234) < 4 * (780 * 0.3 * 0.7) ** 0.5
    assert not (sample & ~held_out(a, b, IDS, 0.6)).any()
    assert not held_out(a, b, IDS, 0.0).any()


def test_held_out_never_changes():
    """A literal sample: a change here moves pairs between training and measurement in every installation."""
    a, b = np.triu_indices(8, 1)
    assert np.flatnonzero(held_out(a, b, IDS, 0.2)).tolist() == [5, 6, 17, 18, 23, 25, 27]


def test_held_out_of_nothing():
    """No pairs."""
    assert held_out(np.array([], np.int32), np.array([], np.int32), IDS, 0.5).tolist() == []
