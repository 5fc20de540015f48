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
        place, known = self._places(embeddings)
        found = np.zeros((len(embeddings), self.vectors.shape[1]), np.float32)
        found[known] = self.vectors[place[known]]
        return found

    def knows(self, embeddings: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Whether there is behaviour of the items with these embeddings, (m,)."""
        return self._places(embeddings)[1]

    def _places(self, embeddings: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Where an embedding's key would be, and whether it is there, (m,) each."""
        if not len(self.keys):
            return np.zeros(len(embeddings), np.int64), np.zeros(len(embeddings), bool)
        wanted = row_digests(embeddings)[:, 0]
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return place, self.keys[place] == wanted
