"""How far the codes of a new table kept the meaning of the old ones, for a decoder's warm start."""

from dataclasses import dataclass

import numpy as np

from sidflow.errors import ShapeError
from sidflow.semantic_ids.table import SidTable, positions

NEIGHBOURS = 5  # old codes that stand in for a code without history
SAME_CODE = 0.5  # a code whose items mostly came from the old code of this name is the same code

Codebooks = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class CodeOverlap:
    """Where the codes of one level come from: K new codes, J old ones.

    Attributes:
        kept: Weighted share of a code's common items that had the code of the same name, (K,) float32; 0 without
            history.
        remap: Rows sum to 1, (K, J) float32: `remap @ old_rows` warm-starts a decoder's rows of this level. A code
            with kept >= 0.5 takes its own old row, another the mean of its items' old codes, one without history
            the mean of the nearest old centroids.
    """

    kept: np.ndarray
    remap: np.ndarray


def code_overlap(
    previous: SidTable,
    table: SidTable,
    codebooks: tuple[Codebooks, Codebooks] | None = None,
    popularity: np.ndarray | None = None,
) -> tuple[CodeOverlap, ...]:
    """How codes of a table relate to those of the previous one, for a decoder's warm start.

    Args:
        previous: The table before, its quantiser's codes aligned with the new.
        table: The table now, (N, L), of as many levels; sizes may differ.
        codebooks: Previous and new code vectors, to place codes without history; None spreads these over all.
        popularity: Training interactions per item of `table`, (N,); None counts items.

    Returns:
        One overlap a level, a suffix level included.

    Raises:
        ShapeError: If the numbers of levels differ.
    """
    if len(previous.sizes) != len(table.sizes):
        raise ShapeError(
            f"code_overlap: {len(previous.sizes)} old levels and {len(table.sizes)} new ones; train the decoder cold."
        )
    at = positions(table.item_ids, previous.item_ids)
    known = np.flatnonzero(at >= 0)
    old, new = previous.codes[at[known]], table.codes[known]
    weight = item_weights(popularity, len(at))[known]
    overlaps = []
    for level, sizes in enumerate(zip(table.sizes, previous.sizes, strict=True)):
        moved = count_moves(old[:, level], new[:, level], weight, sizes)
        books = None
        if codebooks is not None and level < min(len(side) for side in codebooks):
            books = codebooks[0][level], codebooks[1][level]
        overlaps.append(_remap(moved, books))
    return tuple(overlaps)


def _remap(moved: np.ndarray, codebooks: tuple[np.ndarray, np.ndarray] | None) -> CodeOverlap:
    total = moved.sum(axis=1)
    seen = total > 0
    remap = np.full(moved.shape, 1 / moved.shape[1])
    remap[seen] = moved[seen] / total[seen, None]
    same = np.arange(min(moved.shape))
    kept = np.zeros(len(moved))
    kept[same] = np.where(seen[same], remap[same, same], 0)
    distances = None if codebooks is None else centroid_distances(*codebooks)
    if distances is not None:
        for code in np.flatnonzero(~seen):
            remap[code] = 0
            nearest = np.argsort(distances[code], kind="stable")[:NEIGHBOURS]
            remap[code, nearest] = 1 / len(nearest)
    stays = np.flatnonzero(kept >= SAME_CODE)
    remap[stays] = 0
    remap[stays, stays] = 1
    return CodeOverlap(kept.astype(np.float32), remap.astype(np.float32))


def item_weights(popularity: np.ndarray | None, items: int) -> np.ndarray:
    """sqrt(1 + popularity) per item, or ones: (items,) float64."""
    return np.ones(items) if popularity is None else np.sqrt(1 + np.asarray(popularity, np.float64))


def count_moves(old: np.ndarray, new: np.ndarray, weight: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """Weight of items per (new code, old code), shape `sizes`."""
    cell = new.astype(np.int64) * sizes[1] + old
    return np.bincount(cell, weights=weight, minlength=sizes[0] * sizes[1]).reshape(sizes)


def centroid_distances(old: np.ndarray, new: np.ndarray) -> np.ndarray | None:
    """Squared distances of new to old code vectors, (K, J); None if they live in different spaces."""
    if old.shape[1] != new.shape[1]:
        return None
    before, after = old.astype(np.float64), new.astype(np.float64)
    squares = np.einsum("kd,kd->k", after, after)[:, None] + np.einsum("kd,kd->k", before, before)
    return np.asarray(np.maximum(squares - 2 * after @ before.T, 0))
