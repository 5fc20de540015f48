"""What items with the same prefix have in common - pairs, nearest neighbours, labels - always beside chance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sidflow.quantizer.codebook import CHUNK, Array, unit_rows

Codes = npt.NDArray[np.integer[Any]]
Prefixes = npt.NDArray[np.int64]
Facts = dict[str, Any]

QUERIES, NEIGHBOURS = 512, 10  # of the nearest-neighbour recall
PREFIXES = 2  # cohesion is measured at prefixes of one and two codes


def cohesion(codes: Codes, left: npt.NDArray[Any], right: npt.NDArray[Any], ordered: bool = True) -> list[Facts]:
    """How often paired items share a prefix, beside how often items that are not a pair do.

    Args:
        codes: (N, L).
        left: One end of each pair, (m,), catalogue indices.
        right: The other end, (m,).
        ordered: Whether left and right are roles, such as an event and the next; else a pair may be turned around, and
            what its left end says of the ids' order stays out of chance.

    Returns:
        For prefixes of one and of two codes: level, pairs (m), share, chance, lift = share / chance. Chance is the
        share among ends of *different* pairs (a left and a right one; unordered, any two), so a collapsed codebook
        gets lift 1; lift is None if chance is 0.
    """
    report, m = [], len(left)
    for level in range(1, min(PREFIXES, codes.shape[1]) + 1):
        prefix = prefixes(codes, level)
        a, b = prefix[left], prefix[right]
        same = int((a == b).sum())
        crossed = _crossed(a, b, same) if ordered else _crossed_either_way(a, b, same)
        chance = crossed / (m * (m - 1)) if m > 1 else 0.0
        report.append({"level": level, "pairs": m, **_lifted(same / m, chance)})
    return report


def neighbour_recall(vectors: Array, codes: Codes, mean: Array) -> list[Facts]:
    """Share of an item's 10 nearest items by cosine that share its prefix, beside that of any item, per level.

    512 items are asked at most, drawn once with a fixed seed.
    """
    n = len(vectors)
    if n < 2:
        return []
    queries = np.sort(np.random.default_rng(0).choice(n, min(QUERIES, n), replace=False))
    nearest = _nearest(vectors, queries, mean, min(NEIGHBOURS, n - 1))
    report = []
    for level in range(1, codes.shape[1] + 1):
        prefix = prefixes(codes, level)
        own = prefix[queries]
        chance = ((np.bincount(prefix)[own] - 1) / (n - 1)).mean()
        report.append({"level": level, **_lifted(float((prefix[nearest] == own[:, None]).mean()), float(chance))})
    return report


def nmi(codes: npt.NDArray[Any], labels: Sequence[str]) -> Facts:
    """Mutual information of first codes and labels over their mean entropy, beside that of shuffled labels."""
    _, names = np.unique(np.asarray(labels), return_inverse=True)
    shuffled = np.random.default_rng(0).permutation(names)
    return _lifted(_mutual(codes, names), _mutual(codes, shuffled))


def prefixes(codes: Codes, level: int | None = None) -> npt.NDArray[np.int64]:
    """A number per distinct prefix of `level` codes, or of all, (N,): 0, 1, ... in lexicographic order.

    Level by level, so that the keys stay below N times a level's size whatever the number of prefixes.
    """
    keys = np.zeros(len(codes), np.int64)
    for column in codes[:, :level].T:
        _, keys = np.unique(keys * (int(column.max(initial=0)) + 1) + column, return_inverse=True)
    return keys


def entropy(counts: npt.NDArray[Any]) -> float:
    """Entropy of counts, nats."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def _crossed(a: Prefixes, b: Prefixes, same: int) -> float:
    """Left ends whose prefix is that of another pair's right end, summed over pairs of pairs."""
    width = int(max(a.max(), b.max())) + 1
    return float(np.bincount(a, minlength=width) @ np.bincount(b, minlength=width)) - same


def _crossed_either_way(a: Prefixes, b: Prefixes, same: int) -> float:
    """The same, averaged over all ways to turn two pairs around: each end with either end of every other pair."""
    ends = np.bincount(np.concatenate([a, b]))
    within = 2 * len(a) + 2 * same  # an end with itself, and with its partner
    return float(ends @ ends - within) / 4


def _mutual(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> float:
    sides = entropy(np.bincount(left)), entropy(np.bincount(right))
    both = entropy(np.bincount(prefixes(np.stack([left, right], axis=1).astype(np.int64), 2)))
    return max(0.0, 2 * (sum(sides) - both) / sum(sides)) if sum(sides) else 0.0


def _nearest(vectors: Array, queries: npt.NDArray[np.int64], mean: Array, count: int) -> npt.NDArray[np.int64]:
    """The `count` nearest items of each query by cosine, (q, count), found chunk by chunk."""
    asked = unit_rows(np.asarray(vectors[queries], np.float32) - mean)
    best = np.full((len(queries), count), -np.inf, np.float32)
    items = np.zeros((len(queries), count), np.int64)
    for start in range(0, len(vectors), CHUNK):
        chunk = unit_rows(np.asarray(vectors[start : start + CHUNK], np.float32) - mean)
        cosines = asked @ chunk.T
        numbers = np.broadcast_to(np.arange(start, start + len(chunk)), cosines.shape)
        cosines[numbers == queries[:, None]] = -np.inf
        scores, found = np.hstack([best, cosines]), np.hstack([items, numbers])
        top = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        best, items = np.take_along_axis(scores, top, 1), np.take_along_axis(found, top, 1)
    return items


def _lifted(share: float, chance: float) -> Facts:
    lift = rounded(share / chance) if chance > 0 else None
    return {"share": rounded(share), "chance": rounded(chance, 8), "lift": lift}


def rounded(value: float, digits: int = 6) -> float:
    """As facts are stored."""
    return round(float(value), digits)
