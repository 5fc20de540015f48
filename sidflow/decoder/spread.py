"""Lists that are less alike: temperature by level, and a quota of items under one prefix."""

from dataclasses import dataclass

import numpy as np
from numba import njit


@dataclass(frozen=True)
class Spread:
    """How far a search spreads.

    Attributes:
        temperatures: Per level, what the codes' logits are divided by; above 1 rarer codes come nearer. Levels that are
            not named, the later ones, have 1.
        quota: Most items of a list under one prefix; None: any number.
        quota_level: Length of that prefix.
    """

    temperatures: tuple[float, ...] = ()
    quota: int | None = None
    quota_level: int = 1

    def temperature(self, level: int) -> float:
        """Of a level, counted from 0."""
        return self.temperatures[level] if level < len(self.temperatures) else 1.0


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def choose(scores: np.ndarray, groups: np.ndarray, k: int, most: int) -> np.ndarray:
    """Places of the k best of each row, best first, at most so many of a group.

    Args:
        scores: (B, C) float32; -inf is never chosen. Ties go to the earlier place.
        groups: (B, C) int64, counted from 0.
        k: How many.
        most: Of a group.

    Returns:
        (B, k) int64; -1 where there are fewer.
    """
    chosen = np.full((len(scores), k), -1)
    for row in range(len(scores)):
        count = 0
        taken = np.zeros(groups[row].max() + 1, np.int64)
        for place in np.argsort(-scores[row], kind="mergesort"):
            group = groups[row, place]
            if count == k or not scores[row, place] > -np.inf:
                break
            if taken[group] < most:
                chosen[row, count] = place
                taken[group] += 1
                count += 1
    return chosen
