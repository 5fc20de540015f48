"""What a worker does with its counts once the margins of all partitions are known."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sidflow.pairs.count import Counts
from sidflow.pairs.margins import Margins
from sidflow.pairs.significance import tail_probability

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
    decayed: np.ndarray  # (m,) float32, or empty
    coverable: np.ndarray  # (N,) bool: items in any pair that reaches min_support


def screen_pairs(counts: Counts, values: np.ndarray, scale: float, bound: float) -> Screened:
    """Drop the pairs that chance explains: p against PMI <= 0 above `bound`.

    The p-value against any iota >= 0 is larger still, so one bound serves both tiers.

    Args:
        counts: One partition.
        values: Of the margins over all partitions, (N,), float64.
        scale: Of the margins.
        bound: The larger of what either tier can accept.
    """
    a, b, support = counts[:3]
    margins = Margins(values, scale)
    keep = np.zeros(len(a), np.bool_)
    for start in range(0, len(a), _ROWS):
        rows = slice(start, start + _ROWS)
        keep[rows] = tail_probability(support[rows], margins.expected(a[rows], b[rows])) <= bound
    coverable = np.zeros(len(values), np.bool_)
    coverable[a], coverable[b] = True, True
    decayed = counts.decayed[keep] if len(counts.decayed) else counts.decayed
    return Screened(a[keep], b[keep], support[keep], decayed, coverable)


def summarise(counts: Counts) -> Summary:
    """The few numbers of a partition that leave its worker."""
    return Summary(counts.margins, counts.tokens, counts.observed, len(counts.a))


def add_up(parts: Sequence[Summary]) -> Summary:
    """The summary of all partitions together; margins and totals may exceed 32 bits."""
    return Summary(
        margins=np.stack([part.margins for part in parts]).sum(axis=0),
        tokens=sum(part.tokens for part in parts),
        observed=sum(part.observed for part in parts),
        candidates=sum(part.candidates for part in parts),
    )
