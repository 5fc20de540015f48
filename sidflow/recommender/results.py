"""What a recommender gives: one item with its reason, or many users' items in arrays."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass(frozen=True)
class Recommendation:
    """One recommended item.

    Attributes:
        item_id: The catalogue's id.
        title: Its title.
        score: Higher is better; comparable within one list only.
        sid: Its semantic ID, "12-7-200".
        reason: Why it is here, in words.
    """

    item_id: str
    title: str
    score: float
    sid: str
    reason: str


class RankedUsers(NamedTuple):
    """The best items of b users, in arrays.

    Attributes:
        items: Catalogue indices, best first, (b, k) int64; -1 where there are fewer.
        scores: Higher is better, comparable within a row only, (b, k) float32; -inf where there is no item.
        depths: SID levels that an item shares at most with one of the newest history items, as many as the decoder
            reads, (b, k) int8, 0 for none.
        like: The newest of those that shares them, (b, k) int64; without meaning where there is no item.
        partners: The newest items' strongest mined pair with it, (b, k) int64; -1 where there is none.
        followed: The newest item, or the one before it, that it followed in training histories, (b, k) int64; -1 for
            none.
    """

    items: np.ndarray
    scores: np.ndarray
    depths: np.ndarray
    like: np.ndarray
    partners: np.ndarray
    followed: np.ndarray

    @classmethod
    def nothing(cls, users: int, k: int) -> "RankedUsers":
        """No item for anybody, (users, k)."""
        none = [np.full((users, k), -1, np.int64) for _ in range(4)]
        return cls(none[0], np.full((users, k), -np.inf, np.float32), np.zeros((users, k), np.int8), *none[1:])
