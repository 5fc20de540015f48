"""What a worker does with its counts once the margins of all partitions are known."""

from typing import NamedTuple

import numpy as np

from sidflow.pairs.count import Counts
from sidflow.pairs.significance import expected_support, tail_probability

_ROWS = 1 << 20  # tested at once: 8 MB an array


class Summary(NamedTuple):
    """What the other partitions need to know about one partition's counts."""

    margins: np.ndarray  # (N,) int64
    tokens: int
    observed: int
    candidates: int  # pairs that reach min_support


class Screened(NamedTuple):
    """The pairs of one partition that may still be kept, sorted by (a, b)."""

    a: np.ndarray  # (m,) int32
    b: np.ndarray  # (m,) int32
    support: np.ndarray  # (m,) int32
    coverable: np.ndarray  # (N,) bool: items in any pair that reaches min_support


def screen_pairs(counts: Counts, margins: np.ndarray, total: int, bound: float) -> Screened:
    """Drop the pairs that chance explains: p against PMI <= 0 above `bound`.

    The p-value against any iota >= 0 is larger still, so one bound serves both tiers.

    Args:
        counts: One partition.
        margins: c_i over all partitions, (N,), int64.
        total: T over all partitions.
        bound: The larger of what either tier can accept.
    """
    a, b, support = counts[:3]
    keep = np.zeros(len(a), np.bool_)
    for start in range(0, len(a), _ROWS):
        rows = slice(start, start + _ROWS)
        expected = expected_support(margins[a[rows]], margins[b[rows]], total)
        keep[rows] = tail_probability(support[rows], expected) <= bound
    coverable = np.zeros(len(margins), np.bool_)
    coverable[a], coverable[b] = True, True
    return Screened(a[keep], b[keep], support[keep], coverable)


def summarise(counts: Counts) -> Summary:
    """The few numbers of a partition that leave its worker."""
    return Summary(counts.margins, counts.tokens, counts.observed, len(counts.a))
