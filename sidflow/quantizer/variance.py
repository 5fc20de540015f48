"""How much of the latents' variance codes explain, added up chunk by chunk so that memory stays bounded."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sidflow.quantizer.codebook import CHUNK, Array, Quantizer

Codes = npt.NDArray[np.integer[Any]]
Moments = npt.NDArray[np.float64]


def explained_variance(quantizer: Quantizer, latents: Array, codes: Codes) -> list[float]:
    """Share of the latents' variance that the first 1, 2, .. L code vectors explain; 0 where they do not vary.

    Args:
        quantizer: Its codebooks.
        latents: (N, d).
        codes: (N, L).
    """
    moments: Moments = np.zeros(())
    for start in range(0, len(latents), CHUNK):
        rows = slice(start, start + CHUNK)
        moments = moments + _moments(quantizer, latents[rows], codes[rows])
    return _shares(moments, codes.shape[1])


def assign_and_explain(quantizer: Quantizer, vectors: Array) -> tuple[npt.NDArray[np.int16], list[float]]:
    """Codes of all items, (N, L), and the variance they explain; latents are there a chunk at a time.

    Args:
        quantizer: What assigns.
        vectors: Embeddings, (N, D); may be memory-mapped.
    """
    codes = np.empty((len(vectors), len(quantizer.sizes)), np.int16)
    moments: Moments = np.zeros(())
    for start in range(0, len(vectors), CHUNK):
        rows = slice(start, start + CHUNK)
        latents = quantizer.encode(vectors[rows])
        codes[rows] = quantizer.assign(latents)
        moments = moments + _moments(quantizer, latents, codes[rows])
    return codes, _shares(moments, codes.shape[1])


def _moments(quantizer: Quantizer, latents: Array, codes: Codes) -> Moments:
    """What adds up over chunks: rows, squares, squared errors by level (L) and sums by dimension (d)."""
    errors, residual = [], latents
    for column, codebook in zip(codes.T, quantizer.codebooks, strict=False):
        residual = residual - codebook[column]
        errors.append(_squares(residual))
    return np.concatenate([[len(latents), _squares(latents)], errors, latents.sum(0, dtype=np.float64)])


def _squares(rows: Array) -> float:
    return float(np.einsum("nd,nd->", rows, rows, dtype=np.float64))


def _shares(moments: Moments, levels: int) -> list[float]:
    rows, squares, errors, sums = moments[0], moments[1], moments[2 : levels + 2], moments[levels + 2 :]
    total = squares - sums @ sums / rows
    return [round(float(1 - error / total), 6) if total > 1e-12 * squares else 0.0 for error in errors]
