"""Latents and nearest paths of some rows of memory-mapped embeddings, a chunk in memory at a time."""

from collections.abc import Iterator

import numpy as np

from sidflow.quantizer.codebook import CHUNK, Quantizer


def latents_of(quantizer: Quantizer, vectors: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Latents (at most 16,384, d) of the rows (n,) of embeddings (N, D), chunk by chunk; nothing for no rows."""
    for start in range(0, len(rows), CHUNK):
        yield quantizer.encode(vectors[rows[start : start + CHUNK]])


def nearest_paths(quantizer: Quantizer, vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Nearest paths of the rows (n,) of embeddings (N, D): (n, L) int16."""
    codes = np.empty((len(rows), len(quantizer.codebooks)), np.int16)
    start = 0
    for latents in latents_of(quantizer, vectors, rows):
        codes[start : start + len(latents)] = quantizer.assign(latents)
        start += len(latents)
    return codes
