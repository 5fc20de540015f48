"""The catalogue as the network sees it."""

from typing import Any

import numpy as np
import torch

from sidflow.quantizer.codebook import Array, unit_rows


class Rows:
    """Embeddings centred and scaled to unit length, read as they are drawn.

    Attributes:
        vectors: Embeddings, (N, D); may be memory-mapped.
        mean: What is subtracted, (D,).
        items: N.
    """

    def __init__(self, vectors: Array, mean: Array):
        """Nothing is read yet."""
        self.vectors, self.mean, self.items = vectors, mean, len(vectors)

    def __getitem__(self, rows: Any) -> torch.Tensor:
        """Input of the items at a slice or an array of indices, (b, D)."""
        return torch.from_numpy(unit_rows(np.asarray(self.vectors[rows], np.float32) - self.mean))
