"""Which items a search may return: one mask for all histories, less a few items of each."""

from typing import NamedTuple

import numpy as np

from sidflow.decoder.trie import Trie


class Mask(NamedTuple):
    """What is allowed, counted over stretches of a trie's order, so that no row has a mask as long as the catalogue.

    Shapes: N items, B histories, H excluded items each.

    Attributes:
        before: Allowed items before each place of the order, (N + 1,) int64.
        excluded: Places of otherwise allowed items that a history must not get, ascending, distinct, padded with N,
            (B, H) int64; without rows where there are none.
    """

    before: np.ndarray
    excluded: np.ndarray

    def without(self, trie: Trie, items: np.ndarray) -> "Mask":
        """The same, with items excluded by row.

        Args:
            trie: Of the mask.
            items: Catalogue indices, (B, H) int64; repeats do not matter, -1 stands for none.
        """
        size = len(trie.order)
        place = trie.places[items]
        open_items = (items >= 0) & (self.before[place + 1] > self.before[place])
        place = np.sort(np.where(open_items, place, size), axis=1)
        place[:, 1:][place[:, 1:] == place[:, :-1]] = size
        return Mask(self.before, np.sort(place, axis=1))


def make_mask(trie: Trie, allowed: np.ndarray | None = None) -> Mask:
    """The mask of items that any history may get, (N,) bool; None: all."""
    size = len(trie.order)
    ordered = np.ones(size, bool) if allowed is None else np.asarray(allowed, bool)[trie.order]
    return Mask(np.concatenate(([0], np.cumsum(ordered))), np.empty((0, 0), np.int64))
