"""The double loop that pair counting must equal."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


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
