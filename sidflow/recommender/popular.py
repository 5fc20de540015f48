"""What is recommended to users of whom nothing is known."""

import numpy as np

from sidflow.decoder.spread import Spread, choose, prefix_numbers
from sidflow.decoder.trie import Trie
from sidflow.histories.table import Histories


class Popular:
    """Items by how many interactions they have."""

    def __init__(self, histories: Histories):
        """Count the interactions, once."""
        self.interactions = np.bincount(histories.items, minlength=len(histories.item_ids))
        self._order = np.argsort(-self.interactions, kind="stable")

    def best(self, k: int, allowed: np.ndarray, trie: Trie, spread: Spread | None = None) -> np.ndarray:
        """The k items with most interactions, or as many as there are; ties go to the lower index.

        Args:
            k: How many.
            allowed: Items that may be listed, (N,) bool.
            trie: Of the same items' SIDs.
            spread: Only its quota is heeded.
        """
        stop = 2 * k
        found = self._among_first(stop, k, allowed, trie, spread)
        while len(found) < k and stop < len(self._order):  # seldom: what is popular is mostly in stock
            stop *= 4
            found = self._among_first(stop, k, allowed, trie, spread)
        return found

    def _among_first(self, stop: int, k: int, allowed: np.ndarray, trie: Trie, spread: Spread | None) -> np.ndarray:
        found = self._order[:stop]
        found = found[allowed[found]]
        if spread is None or spread.quota is None or not len(found):
            return np.asarray(found[:k])
        groups = prefix_numbers(trie, found, spread.quota_level)
        best = choose(np.zeros((1, len(found)), np.float32), groups[None], min(k, len(found)), spread.quota)[0]
        return np.asarray(found[best[best >= 0]])
