"""Lists that are less alike: temperature by level, and a quota of items under one prefix."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from numba import njit

from sidflow.decoder.trie import Trie
from sidflow.errors import DataContractError

COLDEST, HOTTEST = 0.01, 100.0
"""Temperatures within which a logit stays a finite number."""


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

    def __post_init__(self) -> None:
        """Refuse what no search could heed.

        Raises:
            DataContractError: If it is so.
        """
        if not isinstance(self.temperatures, Sequence) or not all(map(_tempers, self.temperatures)):
            raise DataContractError(
                f"recommend: temperatures {self.temperatures!r}; allowed are numbers from {COLDEST} to {HOTTEST:g}, "
                "one a level, such as (2.0, 1.5); 1 changes nothing."
            )
        if self.quota is not None and not is_count(self.quota):
            raise DataContractError(
                f"recommend: quota {self.quota!r}; allowed is a whole number of 1 or more, or None for no quota."
            )
        if not is_count(self.quota_level):
            raise DataContractError(
                f"recommend: quota_level {self.quota_level!r}; allowed is a whole number from 1 to the codes of a SID."
            )

    def check(self, levels: int) -> None:
        """Refuse to spread over more levels than SIDs have.

        Raises:
            DataContractError: If there are more temperatures than levels, or the quota's prefix is longer than a SID.
        """
        if len(self.temperatures) > levels or self.quota_level > levels:
            raise DataContractError(
                f"recommend: {len(self.temperatures)} temperatures and quota_level {self.quota_level}; SIDs have "
                f"{levels} codes, so that at most {levels} temperatures and a quota_level of 1 to {levels} are allowed."
            )

    def temperature(self, level: int) -> float:
        """Of a level, counted from 0."""
        return self.temperatures[level] if level < len(self.temperatures) else 1.0

    def widen(self, beam: int, k: int) -> tuple[int, int]:
        """How wide a beam must be for lists of k, and its room under each prefix that has a quota.

        A list of k needs g = ceil(k / quota) prefixes at least, and a full beam that has room for beam // g under each
        is of g of them or more; with the quota or more of each, that is k items. A beam that is not full lacks nothing
        that the quota allows.
        """
        if self.quota is None:
            return beam, beam
        prefixes = -(-k // self.quota)
        beam = max(beam, prefixes * min(self.quota, k))
        return beam, beam // prefixes


def prefix_numbers(trie: Trie, items: np.ndarray, level: int) -> np.ndarray:
    """The prefix of so many codes that each item is under, int64 of the items' shape, counted in SID order."""
    return np.asarray(np.searchsorted(trie.levels[level - 1].begins, trie.places[items], "right") - 1)


def is_count(number: object) -> bool:
    """Whether it is a whole number of 1 or more."""
    return not isinstance(number, bool) and isinstance(number, Integral) and int(number) >= 1


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def choose(scores: np.ndarray, groups: np.ndarray, k: int, most: int) -> np.ndarray:
    """Places of the k best of each row, best first, at most so many of a group.

    Args:
        scores: (B, C) float32, C at least 1; -inf is never chosen. Ties go to the earlier place.
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


def _tempers(temperature: object) -> bool:
    return isinstance(temperature, Real) and COLDEST <= float(temperature) <= HOTTEST
