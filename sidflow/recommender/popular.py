"""What is recommended to users of whom nothing is known."""

import numpy as np

from sidflow.histories.table import Histories


class Popular:
    """Items by how many interactions they have."""

    def __init__(self, histories: Histories):
        """Count the interactions, once."""
        self.interactions = np.bincount(histories.items, minlength=len(histories.item_ids))
        self._order = np.argsort(-self.interactions, kind="stable")

    def best(self, k: int, allowed: np.ndarray) -> np.ndarray:
        """The k allowed items (N,) bool with most interactions, or as many as there are; ties go to the lower index."""
        stop = 2 * k
        found = self._among_first(stop, allowed)
        while len(found) < k and stop < len(self._order):  # seldom: what is popular is mostly in stock
            stop *= 4
            found = self._among_first(stop, allowed)
        return found[:k]

    def _among_first(self, stop: int, allowed: np.ndarray) -> np.ndarray:
        first = self._order[:stop]
        return np.asarray(first[allowed[first]])
