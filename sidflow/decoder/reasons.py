"""Why an item was recommended, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.semantic_ids.table import SidTable

NOTHING_SHARED = "follows from the history as a whole; shares no code with its newest items"
TOGETHER = "often taken together with "
FOLLOWED = "has followed "


def reason(item: int, depth: int, like: int, partner: int, followed: int, sids: SidTable, titles: Sequence[str]) -> str:
    """The longest SID prefix that an item shares with one of the newest items, by topic, and the newest that shares it.

    Args:
        item: Catalogue index.
        depth: Levels shared, 0 for none; see `shared_prefixes`.
        like: The history item that shares them.
        partner: The history item that it is a mined pair with, which is said too; -1 for none.
        followed: The history item that it followed in training histories; said unless it is the partner; -1 for none.
        sids: SIDs, with topic names or without.
        titles: Titles by catalogue index.
    """
    words = []
    if depth:
        prefix = "-".join(map(str, sids.codes[item, :depth].tolist()))
        topic = f" ({sids.topics[item][depth - 1]})" if sids.topics else ""
        words.append(f"shares {prefix}{topic} with {titles[like]}")
    if partner >= 0:
        words.append(f"{TOGETHER}{titles[partner]}")
    if followed not in (-1, partner):
        words.append(f"{FOLLOWED}{titles[followed]}")
    return "; ".join(words) or NOTHING_SHARED


def shared_prefixes(
    items: np.ndarray, histories: np.ndarray, lengths: np.ndarray, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many levels k items share at most with each of b histories, and with which item.

    Shapes: b histories of up to T items, k items each, N catalogue items, L levels.

    Args:
        items: Catalogue indices, (b, k); -1 where there is none.
        histories: Catalogue indices, oldest first, padded on the right, (b, T).
        lengths: Items of each history, (b,).
        codes: The SID table, (N, L).

    Returns:
        Levels shared, (b, k) int8, 0 for none; and the newest history item that shares them, (b, k) int64.
    """
    own, theirs = codes[items][:, :, None], codes[histories][:, None]  # (b, k, 1, L), (b, 1, T, L)
    depths = np.logical_and.accumulate(own == theirs, axis=-1).sum(-1, dtype=np.int8)
    depths[~np.broadcast_to((np.arange(histories.shape[1]) < lengths[:, None])[:, None], depths.shape)] = -1
    newest = histories.shape[1] - 1 - depths[..., ::-1].argmax(-1)
    return depths.max(-1), np.take_along_axis(histories, newest, 1)


@dataclass(frozen=True)
class ItemTexts:
    """What is written of items, by catalogue index: N items, L levels.

    Attributes:
        ids, titles, sids: (N,) string; a SID reads "12-7-200".
        prefixes: Per level the prefix up to it with its topic, "12-7 (nail polish)", (N,) string.
    """

    ids: pa.Array
    titles: pa.Array
    sids: pa.Array
    prefixes: tuple[pa.Array, ...]

    @classmethod
    def of(cls, table: SidTable, titles: pa.Array) -> "ItemTexts":
        """The texts of a SID table's items; titles in its order, (N,) string."""
        levels = [pa.array(column).cast(pa.string()) for column in table.codes.T]
        sids = [pc.binary_join_element_wise(*levels[: depth + 1], "-") for depth in range(len(levels))]
        if table.topics is None:
            return cls(table.item_ids, titles, sids[-1], tuple(sids))
        topics = [pa.array([names[level] for names in table.topics], pa.string()) for level in range(len(levels))]
        named = (
            pc.binary_join_element_wise(sid, " (", topic, ")", "") for sid, topic in zip(sids, topics, strict=True)
        )
        return cls(table.item_ids, titles, sids[-1], tuple(named))

    def reasons(
        self, items: pa.Array, depths: np.ndarray, like: pa.Array, partners: np.ndarray, followed: np.ndarray
    ) -> pa.Array:
        """The words of `reason` for items, the levels they share, with what, partners, and what they followed, (n,)."""
        shared = [prefix.take(items) for prefix in self.prefixes]
        prefix = pc.choose(pa.array(np.maximum(depths, 1) - 1, pa.int64()), *shared)
        texts = pc.binary_join_element_wise("shares ", prefix, " with ", self.titles.take(like), "")
        texts = pc.if_else(pa.array(depths > 0), texts, pa.scalar(None, pa.string()))
        others = np.where(followed == partners, -1, followed)
        for part in (self._titled(TOGETHER, partners), self._titled(FOLLOWED, others)):
            texts = pc.coalesce(pc.binary_join_element_wise(texts, part, "; "), texts, part)
        return pc.coalesce(texts, NOTHING_SHARED)

    def _titled(self, words: str, items: np.ndarray) -> pa.Array:
        """The words before each item's title, null for -1."""
        return pc.binary_join_element_wise(words, self.titles.take(pa.array(items, mask=items < 0)), "")
