"""Giving the codes of a refitted quantiser their old names."""

from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from sidflow.errors import ShapeError
from sidflow.quantizer.codebook import Quantizer
from sidflow.semantic_ids.chunks import nearest_paths
from sidflow.semantic_ids.table import SidTable

Codebooks = tuple[np.ndarray, ...]


def align_quantizer(
    quantizer: Quantizer, old: Quantizer, vectors: np.ndarray, table: SidTable, rows: np.ndarray
) -> Quantizer:
    """A refitted quantiser whose codes keep the names that the items of the last SID table know them by.

    Args:
        quantizer: The refitted one.
        old: The one it was warm-started from, of the same sizes.
        vectors: Embeddings of now, (N, D); may be memory-mapped.
        table: The last release's SIDs.
        rows: Row of each item in `table`, (N,); -1 for new items.
    """
    common = np.flatnonzero(rows >= 0)
    new = nearest_paths(quantizer, vectors, common)
    known = table.codes[rows[common], : len(old.codebooks)]
    return permute(quantizer, align_to(known, new, old.codebooks, quantizer.codebooks))


def align_to(
    old: np.ndarray, new: np.ndarray, old_codebooks: Codebooks, new_codebooks: Codebooks
) -> tuple[np.ndarray, ...]:
    """Permutations that rename new codes to the old ones they overlap most, level by level.

    Per level, maximise sum_a W[a, pi(a)] with W[a, b] the number of items that moved from old code b to new code a,
    less a tie-break of the centroids' distance that weighs less than one item in all.

    Shapes: n common items, L levels, K_l codes.

    Args:
        old: Previous codes of the common items, (n, L).
        new: Their nearest codes under the refitted quantiser, (n, L).
        old_codebooks: Previous code vectors, (K_l, d) per level.
        new_codebooks: New code vectors, of the same sizes.

    Returns:
        Per level pi, (K_l,) int64: new code a is renamed to pi[a].

    Raises:
        ShapeError: If levels or sizes differ: there is nothing to align then.

    Source: Hungarian matching of token transitions, arXiv 2604.13273, here per level.
    """
    sizes = [len(book) for book in old_codebooks], [len(book) for book in new_codebooks]
    if sizes[0] != sizes[1] or old.shape != new.shape or old.shape[1] != len(old_codebooks):
        raise ShapeError(
            f"align_to: old codes {old.shape} of sizes {sizes[0]} and new codes {new.shape} of sizes {sizes[1]}; "
            "allowed are equal shapes. Decide 'full' without alignment when codebooks change."
        )
    return tuple(
        _match(_count_moves(old[:, level], new[:, level], size), _centroid_distances(before, after))
        for level, (size, before, after) in enumerate(zip(sizes[0], old_codebooks, new_codebooks, strict=True))
    )


def permute(quantizer: Quantizer, permutations: tuple[np.ndarray, ...]) -> Quantizer:
    """The same quantiser with code a of level l named permutations[l][a]: rows of codebooks and biases move together.

    Raises:
        ShapeError: If a permutation is not one of its level.
    """
    if len(permutations) != len(quantizer.codebooks):
        raise ShapeError(
            f"permute: {len(permutations)} permutations for {len(quantizer.codebooks)} levels; give one each."
        )
    for level, (pi, book) in enumerate(zip(permutations, quantizer.codebooks, strict=True)):
        if not np.array_equal(np.sort(pi), np.arange(len(book))):
            raise ShapeError(
                f"permute: level {level} has {len(book)} codes, but its names are not a permutation of them."
            )
    sources = [np.argsort(pi) for pi in permutations]
    return replace(
        quantizer,
        codebooks=tuple(book[source] for book, source in zip(quantizer.codebooks, sources, strict=True)),
        biases=tuple(bias[source] for bias, source in zip(quantizer.biases, sources, strict=True)),
    )


def _match(overlap: np.ndarray, distances: np.ndarray | None) -> np.ndarray:
    if distances is not None and distances.max() > 0:
        overlap = overlap - distances / (2 * len(overlap) * distances.max())
    return np.asarray(linear_sum_assignment(overlap, maximize=True)[1], dtype=np.int64)


def _count_moves(old: np.ndarray, new: np.ndarray, size: int) -> np.ndarray:
    """Number of items per (new code, old code), (K, K)."""
    return np.bincount(new.astype(np.int64) * size + old, minlength=size * size).reshape(size, size)


def _centroid_distances(old: np.ndarray, new: np.ndarray) -> np.ndarray | None:
    """Squared distances of new to old code vectors, (K, K); None if they live in different spaces."""
    if old.shape[1] != new.shape[1]:
        return None
    before, after = old.astype(np.float64), new.astype(np.float64)
    squares = np.einsum("kd,kd->k", after, after)[:, None] + np.einsum("kd,kd->k", before, before)
    return np.asarray(np.maximum(squares - 2 * after @ before.T, 0))
