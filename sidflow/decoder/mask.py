"""Which items a search may return: one mask for all histories, less a few items of each."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from sidflow.decoder.trie import Trie


@dataclass(frozen=True)
class Mask:
    """What is allowed, counted over stretches of a trie's order, so that no row has a mask as long as the catalogue.

    Shapes: N items, B histories, H excluded items each.

    Attributes:
        before: Allowed items before each place of the order, (N + 1,) int64.
        excluded: Places of otherwise allowed items that a history must not get, ascending, distinct, padded with N,
            (B, H) int64; None where there are none.
    """

    before: Tensor
    excluded: Tensor | None = None

    def under(self, first: Tensor, last: Tensor) -> Tensor:
        """Allowed items at the places [first, last), (B, ...) int64."""
        count = self.before[last] - self.before[first]
        if self.excluded is None:
            return count
        taken = [torch.searchsorted(self.excluded, each.flatten(1)).view(each.shape) for each in (last, first)]
        return count - (taken[0] - taken[1])

    def without(self, trie: Trie, items: np.ndarray) -> "Mask":
        """The same, with items excluded by row.

        Args:
            trie: Of the mask.
            items: Catalogue indices, (B, H) int64; repeats do not matter, -1 stands for none.
        """
        size = len(trie.order)
        place = trie.places[torch.from_numpy(items).to(self.before.device)]
        allowed = self.before[place + 1] > self.before[place]
        none = torch.from_numpy(items < 0).to(place.device)
        place = place.masked_fill(none | ~allowed, size).sort(1).values
        repeated = pad(place[:, 1:] == place[:, :-1], (1, 0))
        return Mask(self.before, place.masked_fill(repeated, size).sort(1).values)


def make_mask(trie: Trie, allowed: np.ndarray) -> Mask:
    """The mask of items that any history may get, (N,) bool."""
    counts = torch.from_numpy(np.asarray(allowed, bool)).to(trie.order.device)[trie.order].cumsum(0)
    return Mask(pad(counts, (1, 0)))
