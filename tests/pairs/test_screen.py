"""What partitions tell each other, and what is screened out."""

import numpy as np
import pytest

from sidflow.pairs.count import Counts
from sidflow.pairs.screen import Summary, add_up, screen_pairs, summarise


def counts(support: list[int], margins: list[int]) -> Counts:
    """Pairs (0, 1), (0, 2), .. with this support."""
    partners = np.arange(1, len(support) + 1, dtype=np.int32)
    return Counts(
        a=np.zeros(len(support), np.int32),
        b=partners,
        support=np.array(support, np.int32),
        decayed=np.empty(0, np.float32),
        margins=np.array(margins, np.int64),
        tokens=sum(support),
        observed=len(support),
    )


def test_margins_and_pair_counts_beyond_int32():
    """Two partitions of 2^31 pairs each, whose first item alone has 2^31 tokens in either."""
    part = Summary(np.array([2**31, 5]), tokens=2**40, observed=2**31, candidates=2**31)
    total = add_up([part, part])
    assert total.margins.tolist() == [2**32, 10] and total.margins.dtype == np.int64
    assert (total.tokens, total.observed, total.candidates) == (2**41, 2**32, 2**32)


def test_a_summary_counts_what_reached_the_support():
    """Observed pairs come from the partition, candidates are its rows."""
    found = summarise(counts([3, 2], [5, 3, 2])._replace(observed=9))
    assert (found.observed, found.candidates, found.tokens) == (9, 2, 5)


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_what_chance_explains_is_dropped(chunk: int, monkeypatch: pytest.MonkeyPatch):
    """Expected 1 user each: of support 1, 9 and 2 only the second has p below a thousandth; all three are coverable."""
    monkeypatch.setattr("sidflow.pairs.screen._ROWS", chunk)
    kept = screen_pairs(counts([1, 9, 2], [1, 1, 1, 1, 1]), np.ones(5), 1.0, 1e-3)
    assert (kept.b.tolist(), kept.support.tolist()) == ([2], [9])
    assert kept.coverable.tolist() == [True, True, True, True, False]
