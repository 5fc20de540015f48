"""The arithmetic of drift: stability, error, distance and overlap of two states."""

import numpy as np
import pyarrow as pa

from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import CHUNK, Quantizer
from sidflow.semantic_ids.chunks import latents_of
from sidflow.semantic_ids.table import positions
from sidflow.semantic_ids.unique import squared_errors


def psi(before: np.ndarray, after: np.ndarray) -> float:
    """Population stability index sum (q - p) ln(q / p) of two count vectors (K,), each smoothed by 1/K a bin."""
    size = len(before)
    p = (before + 1 / size) / (before.sum() + 1)
    q = (after + 1 / size) / (after.sum() + 1)
    return float(((q - p) * np.log(q / p)).sum())


def quantisation_error(quantizer: Quantizer, vectors: np.ndarray, rows: np.ndarray) -> tuple[float | None, float]:
    """How well a quantiser renders the rows (n,) of embeddings (N, D), which may be memory-mapped.

    Returns:
        Mean squared error of the nearest paths, None for no rows; and the variance of the latents over all dimensions.
    """
    error, total, squares = 0.0, np.zeros(quantizer.codebooks[0].shape[1]), 0.0
    for latents in latents_of(quantizer, vectors, rows):
        error += float(squared_errors(quantizer, latents, quantizer.assign(latents)).sum())
        total += latents.sum(axis=0, dtype=np.float64)
        squares += float(np.einsum("nd,nd->", latents, latents, dtype=np.float64))
    if not len(rows):
        return None, 0.0
    return error / len(rows), max(squares / len(rows) - float(np.square(total / len(rows)).sum()), 0.0)


def embedding_drift(before: np.ndarray, now: np.ndarray, at: np.ndarray) -> np.ndarray:
    """1 - cosine per common item, (n,) float64.

    Args:
        before: Vectors then, (M, D).
        now: Vectors now, (N, D).
        at: Row of each item of now among those of before, -1 where it has none, (N,).
    """
    rows = np.flatnonzero(at >= 0)
    drift = np.empty(len(rows))
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        old, new = before[at[chunk]].astype(np.float64), now[chunk].astype(np.float64)
        norms = np.linalg.norm(old, axis=1) * np.linalg.norm(new, axis=1)
        drift[start : start + CHUNK] = 1 - np.einsum("nd,nd->n", old, new) / np.maximum(norms, 1e-12)
    return np.clip(drift, 0, 2)


def pair_jaccard(before: Pairs, ids_before: pa.Array, now: Pairs, ids_now: pa.Array) -> float | None:
    """Significant pairs in common over those in either, by item id; None if there are none."""
    at = positions(ids_before, ids_now)
    first, second = at[before.a[before.significant]], at[before.b[before.significant]]
    alive = (first >= 0) & (second >= 0)
    width = len(ids_now)
    old = np.minimum(first, second)[alive] * width + np.maximum(first, second)[alive]
    new = now.a[now.significant].astype(np.int64) * width + now.b[now.significant]
    shared = len(np.intersect1d(old, new))
    either = len(first) + len(new) - shared
    return shared / either if either else None
