"""Embeddings that note how many rows are taken from them at once."""

from typing import Any

import numpy as np


class Watched(np.ndarray[Any, Any]):
    """An array whose `read` lists the rows of every selection by index."""

    read: list[int]

    def __new__(cls, vectors: np.ndarray[Any, Any]) -> "Watched":
        """A view of vectors (N, D)."""
        view = vectors.view(cls)
        view.read = []
        return view

    def __getitem__(self, rows: Any) -> Any:
        """Plain rows."""
        found = self.view(np.ndarray)[rows]
        if isinstance(rows, np.ndarray):
            self.read.append(len(found))
        return found
