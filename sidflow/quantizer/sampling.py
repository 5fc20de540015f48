"""Drawing mined pairs, and telling which items of a batch are no negatives of each other."""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from sidflow.errors import DataContractError
from sidflow.pairs.table import Pairs


class PairBatch(NamedTuple):
    """p pairs; row i of `items` and row i + p are partners."""

    items: npt.NDArray[np.int64]  # (2p,) catalogue indices
    weights: npt.NDArray[np.float32]  # (p,)
    excluded: npt.NDArray[np.bool_]  # (2p, 2p): the same item, an exact copy of it, or a known partner of either


class PairSampler:
    """Draws pairs of a catalogue.

    Attributes:
        pairs: How many pairs may be learned from.
        linked: Items that have a partner among them.
    """

    def __init__(
        self,
        pairs: Pairs,
        items: int,
        copies: npt.NDArray[np.int64] | None = None,
        draw: Literal["items", "pairs"] = "items",
        weighted: bool = True,
        mask_known: bool = True,
    ):
        """Index the pairs that may be learned from: held-out ones are left out, of the mask too.

        Args:
            pairs: Mined pairs.
            items: Number of items in the catalogue.
            copies: The first item with the same vector, per item, (items,), of `group_duplicates`: items with one
                vector cannot be told apart, so pushing them apart is noise. None: all differ.
            draw: `items` draws an item uniformly among those with a partner, then one of its partners, so that all
                items count alike whatever their popularity; `pairs` draws pairs alike.
            weighted: Whether pairs count by their weights, or all alike.
            mask_known: Whether known partners are kept from being negatives.

        Raises:
            DataContractError: If a pair names an item outside the catalogue.
        """
        copies = np.arange(items) if copies is None else copies
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
        self.mode, self.weighted, self.mask_known = draw, weighted, mask_known
        self.copies, self.pairs = copies, len(left)
        self.partners = csr_matrix((weights, (rows, columns)), shape=(items, items))
        self.degree = np.diff(self.partners.indptr).astype(np.int64)
        self.linked = np.flatnonzero(self.degree)
        self._known = csr_matrix((np.ones(len(rows), bool), (copies[rows], copies[columns])), shape=(items, items))

    def draw(self, pairs: int, rng: np.random.Generator) -> PairBatch:
        """A batch of `pairs` pairs, with replacement."""
        match self.mode:
            case "items":
                first = self.linked[rng.integers(len(self.linked), size=pairs)]
                place = self.partners.indptr[first] + rng.integers(self.degree[first])
            case "pairs":
                place = rng.integers(self.partners.nnz, size=pairs)
                first = np.searchsorted(self.partners.indptr, place, side="right") - 1
        items = np.concatenate([first, self.partners.indices[place]]).astype(np.int64)
        weights = self.partners.data[place] if self.weighted else np.ones(pairs, np.float32)
        return PairBatch(items, weights, self._excluded(self.copies[items]))

    def _excluded(self, copies: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        same: npt.NDArray[np.bool_] = copies[:, None] == copies[None, :]
        return same | self._known[copies][:, copies].toarray() if self.mask_known else same
