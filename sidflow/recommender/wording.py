"""Recommendations in words: ids, titles, SIDs and reasons."""

from collections.abc import Sequence

import numpy as np

from sidflow.decoder.reasons import reason
from sidflow.recommender.results import RankedUsers, Recommendation
from sidflow.semantic_ids.table import SidTable


class Wording:
    """What is said of the items of a catalogue."""

    def __init__(self, sids: SidTable, titles: Sequence[str]):
        """Remember the SIDs of N items and their titles by catalogue index."""
        self._sids, self._titles = sids, titles

    def ranked(self, row: RankedUsers) -> list[Recommendation]:
        """One user's items, (k,) each, with why the decoder found them."""
        columns = zip(*(each.tolist() for each in row), strict=True)
        return [
            self._item(item, score, reason(item, depth, like, partner, followed, self._sids, self._titles))
            for item, score, depth, like, partner, followed in columns
            if item >= 0
        ]

    def popular(self, items: np.ndarray, interactions: np.ndarray, why: str) -> list[Recommendation]:
        """Popular items (n,) by their interactions (N,), and why no others."""
        return [
            self._item(item, float(count), f"popular: {count:,} interactions ({why})")
            for item, count in zip(items.tolist(), interactions[items].tolist(), strict=True)
        ]

    def _item(self, item: int, score: float, why: str) -> Recommendation:
        sid = "-".join(map(str, self._sids.codes[item].tolist()))
        return Recommendation(self._sids.item_ids[item].as_py(), self._titles[item], score, sid, why)
