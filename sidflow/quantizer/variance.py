"""How much variance codes explain: of latents by code vectors, of embeddings by the best vectors there are."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, diags_array

from sidflow.quantizer.codebook import CHUNK, Array, Quantizer

DENSE = 2_048  # codes of all levels up to which products with the normal equations are those of a plain matrix, 32 MiB
ENOUGH = 1e-8  # share of the variance: a step that gains less ends the search for the best vectors
MOST = 200  # such steps; levels that hardly depend on each other take about ten

Codes = npt.NDArray[np.integer[Any]]
Moments = npt.NDArray[np.float64]


def explained_variance(quantizer: Quantizer, latents: Array, codes: Codes) -> list[float]:
    """Share of the latents' variance that the first 1, 2, .. L code vectors explain; 0 where they do not vary.

    A learned latent space can be as narrow as its codes, so this compares no methods, and stays high in a collapse:
    `embedding_variance` is for that.

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
    """Codes of all items, (N, L), and the variance of latents they explain; latents are there a chunk at a time.

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


def embedding_variance(vectors: Array, codes: Codes) -> list[float]:
    """Share of the embeddings' variance that the first 1, 2, .. L codes explain, whatever fitted them.

    Each code of a prefix stands for the vector that is best for it: least squares over all levels of the prefix at
    once. So methods with different latent spaces compare, and a collapse shows. Codes at random explain about their
    number over the number of items.

    Args:
        vectors: (N, D); may be memory-mapped, since it is read in chunks. Beside a chunk there are five arrays of one
            row of D float64 a code.
        codes: (N, L).
    """
    ends = np.cumsum(codes.max(axis=0).astype(np.int64) + 1)
    problem = _normal_equations(vectors, codes, ends)
    fitted, shares = np.zeros((0, vectors.shape[1])), []
    for end in ends:
        start = np.concatenate([fitted, np.zeros((end - len(fitted), vectors.shape[1]))])
        fitted, gained = _best_vectors(problem.gram[:end, :end], problem.sums[:end], start, ENOUGH * problem.total)
        shares.append(round(gained / problem.total, 6) if problem.total else 0.0)
    return shares


class _Problem(NamedTuple):
    """Least squares over C codes, each code's column scaled to unit length."""

    gram: Any  # how much codes go together, (C, C)
    sums: npt.NDArray[np.float64]  # of the centred embeddings by code, (C, D)
    total: float  # squares of the centred embeddings; 0 if they do not vary


def _normal_equations(vectors: Array, codes: Codes, ends: npt.NDArray[np.int64]) -> _Problem:
    count, levels = codes.shape
    origin = np.asarray(vectors[0], np.float64)  # not the mean, which would take a pass of its own, but among the rows
    sums, moved, squares = np.zeros((ends[-1], len(origin))), np.zeros(len(origin)), 0.0
    gram = csr_array((ends[-1], ends[-1]))
    for start in range(0, count, CHUNK):
        rows = np.asarray(vectors[start : start + CHUNK], np.float64) - origin
        columns = codes[start : start + CHUNK] + np.r_[0, ends[:-1]]
        taken = csr_array(
            (np.ones(columns.size), columns.ravel(), np.arange(len(rows) + 1) * levels), shape=(len(rows), ends[-1])
        )
        gram, sums = gram + taken.T @ taken, sums + taken.T @ rows
        moved, squares = moved + rows.sum(0), squares + float(np.einsum("nd,nd->", rows, rows))
    uses = gram.diagonal()
    sums -= uses[:, None] * (moved / count)
    scale = np.divide(1, np.sqrt(uses), out=np.zeros_like(uses), where=uses > 0)
    scaled = diags_array(scale) @ gram @ diags_array(scale)
    total = squares - float(moved @ moved) / count
    return _Problem(
        scaled.toarray() if ends[-1] <= DENSE else scaled.tocsr(),
        sums * scale[:, None],
        total if total > 1e-12 * squares else 0.0,
    )


def _best_vectors(
    gram: Any, sums: npt.NDArray[np.float64], fitted: npt.NDArray[np.float64], enough: float
) -> tuple[npt.NDArray[np.float64], float]:
    """The solution W of gram W = sums by conjugate gradients from a start, and what it explains, in squares.

    Each of the D columns is a system of its own; all take their steps together.

    Source: Hestenes and Stiefel 1952, Methods of conjugate gradients for solving linear systems.
    """
    left = sums - gram @ fitted
    step, size = left, np.square(left).sum(0)
    for _ in range(MOST):
        ahead = gram @ step
        length = _over(size, (step * ahead).sum(0))
        fitted, left = fitted + length * step, left - length * ahead
        if size @ length <= enough:
            break
        before, size = size, np.square(left).sum(0)
        step = left + _over(size, before) * step
    return fitted, float((fitted * (sums + left)).sum())


def _over(above: npt.NDArray[np.float64], below: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Quotients, 0 where there is nothing to divide by."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


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
