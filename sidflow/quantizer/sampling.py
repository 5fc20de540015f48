"""Drawing mined pairs so that every item counts alike, whatever its popularity."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from sidflow.errors import DataContractError
from sidflow.pairs.table import Pairs


class PairBatch(NamedTuple):
    """p pairs; row i of `items` and row i + p are partners."""

    items: npt.NDArray[np.int64]  # (2p,) catalogue indices
    weights: npt.NDArray[np.float32]  # (p,)
    excluded: npt.NDArray[np.bool_]  # (2p, 2p): the same item, or a known pair


class PairSampler:
    """Draws an item uniformly among those with a partner, then one of its partners uniformly."""

    def __init__(self, pairs: Pairs, items: int):
        """Index the pairs that may be learned from: held-out ones are left out, of the mask too.

        Args:
            pairs: Mined pairs.
            items: Number of items in the catalogue.

        Raises:
            DataContractError: If a pair names an item outside the catalogue.
        """
        ends = np.concatenate([pairs.a, pairs.b])
        unknown = ends[(ends < 0) | (ends >= items)]
        if len(unknown):
            raise DataContractError(
                f"quantizer: pairs name item {unknown[0]}, but the catalogue's items are 0 to {items - 1}. Mine the "
                "pairs again on this catalogue."
            )
        use = ~pairs.heldout & (pairs.weight > 0)
        left, right = pairs.a[use].astype(np.int64), pairs.b[use].astype(np.int64)
        rows, columns = np.concatenate([left, right]), np.concatenate([right, left])
        weights = np.tile(pairs.weight[use].astype(np.float32), 2)
        self.pairs = len(left)
        self.partners = csr_matrix((weights, (rows, columns)), shape=(items, items))
        self.degree = np.diff(self.partners.indptr).astype(np.int64)
        self.linked = np.flatnonzero(self.degree)

    def draw(self, pairs: int, rng: np.random.Generator) -> PairBatch:
        """A batch of `pairs` pairs, with replacement."""
        first = self.linked[rng.integers(len(self.linked), size=pairs)]
        place = self.partners.indptr[first] + rng.integers(self.degree[first])
        items = np.concatenate([first, self.partners.indices[place]]).astype(np.int64)
        known = self.partners[items][:, items].toarray() > 0
        return PairBatch(items, self.partners.data[place], known | (items[:, None] == items[None, :]))
