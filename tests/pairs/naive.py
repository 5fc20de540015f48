"""The double loop that pair counting must equal."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from sidflow.pairs.count import HalfLives


def naive_support(histories: Sequence[Sequence[int]], window: int) -> dict[tuple[int, int], int]:
    """Distinct users per pair (a < b) at most `window` positions apart."""
    users: dict[tuple[int, int], set[int]] = defaultdict(set)
    for user, history in enumerate(histories):
        for left, a in enumerate(history):
            for b in history[left + 1 : left + 1 + window]:
                if a != b:
                    users[min(a, b), max(a, b)].add(user)
    return {pair: len(who) for pair, who in sorted(users.items())}


def packed(histories: Sequence[Sequence[int]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Offsets and items of a list of histories."""
    offsets = np.cumsum([0, *(len(history) for history in histories)])
    return offsets.astype(np.int64), np.array([item for history in histories for item in history], np.int32)


def naive_decayed(
    timed: Sequence[Sequence[tuple[int, int]]],
    window: int | None,
    gap: int | None,
    pause: int | None,
    half_lives: HalfLives,
) -> dict[tuple[int, int], tuple[int, float]]:
    """Distinct users and decayed support per pair of histories of (day, item), under every rule at once."""
    newest = max((day for history in timed for day, _ in history), default=0)
    best: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for user, history in enumerate(timed):
        for left, right in combinations(range(len(history)), 2):
            (first, a), (last, b) = history[left], history[right]
            steps = [history[k + 1][0] - history[k][0] for k in range(left, right)]
            apart = window is not None and right - left > window
            if (
                a == b
                or apart
                or (gap is not None and last - first > gap)
                or (pause is not None and max(steps) > pause)
            ):
                continue
            weight = 2.0 ** -((last - first) / half_lives.gap + (newest - last) / half_lives.age)
            users = best[min(a, b), max(a, b)]
            users[user] = max(users.get(user, 0.0), weight)
    return {pair: (len(users), sum(users.values())) for pair, users in sorted(best.items())}
