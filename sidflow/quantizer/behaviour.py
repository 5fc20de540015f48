"""What pairs say of the items a quantiser was fitted on, kept with it and found by the bytes of their embeddings."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sidflow.quantizer.digests import Digests, row_digests

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Behaviour:
    """Vectors from pairs by embedding, (n, 64); an item that is not among them, such as a new one, has zeros.

    Attributes:
        keys: Digests of distinct embeddings, (n,), ascending.
        vectors: Unit vectors, (n, 64).
    """

    keys: Digests
    vectors: Array

    def beside(self, latents: Array, embeddings: npt.NDArray[Any]) -> Array:
        """Latents of text (m, d) and of behaviour side by side, (m, d + 64), each half of a squared distance."""
        both: Array = np.sqrt(np.float32(0.5)) * np.hstack([latents, self.of(embeddings)])
        return both

    def of(self, embeddings: npt.NDArray[Any]) -> Array:
        """Behaviour of the items with these embeddings, (m, 64)."""
        found = np.zeros((len(embeddings), self.vectors.shape[1]), np.float32)
        if len(self.keys):
            wanted = row_digests(embeddings)[:, 0]
            place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
            known = self.keys[place] == wanted
            found[known] = self.vectors[place[known]]
        return found
