"""What training histories remember literally: which item followed which, and which pairs were mined."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit
from safetensors.numpy import load_file, save_file
from scipy import sparse

from sidflow.decoder.successions import count_successions
from sidflow.histories.table import Histories
from sidflow.pairs.table import Pairs

FILE = "memory.safetensors"
MOST_FOLLOWERS = 256
"""Most frequent followers kept per item, so that the memory grows with the catalogue and not with the log."""
ENTRIES = 1 << 22
"""Entries of a matrix that are sorted at once."""
RECENT = 5
"""Newest items of a history whose mined partners count, each 0.7 times the one after it."""
FADE = 0.7
FEATURES = ("followers", "follower_share", "skips", "partners", "seen")


class Rows(NamedTuple):
    """A sparse (N, N) matrix, row by row, columns ascending within a row: m entries."""

    starts: np.ndarray  # (N + 1,) int64
    items: np.ndarray  # (m,) int32
    values: np.ndarray  # (m,) float32


class Memory(NamedTuple):
    """Lookups from an item to others, N items."""

    followers: Rows  # how often another item came next
    skips: Rows  # how often it came after the next
    partners: Rows  # weights of mined pairs, both ways
    departures: np.ndarray  # (N,) float32: how often anything came next


class Rescorer(NamedTuple):
    """A decoder's weights for what stands in its beam (see `rescore`), and what they are looked up with."""

    weights: np.ndarray  # (8,) float64
    memory: Memory


def build_memory(histories: Histories, pairs: Pairs, most: int = MOST_FOLLOWERS) -> Memory:
    """Successions inside training prefixes, and the mined pairs that are not held out.

    Args:
        histories: Only training events are read.
        pairs: Over the same catalogue.
        most: Followers kept per item, most frequent first; ties go to the lower index.
    """
    size = len(histories.item_ids)
    steps = [count_successions(histories, lag) for lag in (1, 2)]
    used = ~pairs.heldout
    a, b, weight = pairs.a[used], pairs.b[used], pairs.weight[used]
    both = sparse.coo_array((np.tile(weight, 2), (np.concatenate((a, b)), np.concatenate((b, a)))), shape=(size, size))
    return Memory(
        followers=_rows(steps[0], most),
        skips=_rows(steps[1], most),
        partners=_rows(both.tocsr(), most),
        departures=np.asarray(steps[0].sum(axis=1), np.float32).reshape(-1),
    )


def recall_features(memory: Memory, histories: np.ndarray, lengths: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """What the memory says of each candidate after each history.

    Shapes: b histories of T items, c candidates each.

    Args:
        memory: Of the same catalogue.
        histories: Catalogue indices of the newest items in time order, padded on the right, (b, T) int64.
        lengths: Items of each history, at least 1, (b,) int64.
        candidates: Catalogue indices, (b, c) int64.

    Returns:
        (b, c, 5) float32 in the order of FEATURES: log(1 + times it followed the newest item), the share of that among
        all that followed, log(1 + times it came two after the newest but one), faded weights of pairs with the newest
        items, and whether it is among the T newest items; an older one counts as not seen.
    """
    found: np.ndarray = _recall(*memory.followers, *memory.skips, *memory.partners, memory.departures, histories,
                                lengths, candidates)  # fmt: skip
    return found


def strongest_partners(memory: Memory, histories: np.ndarray, lengths: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Which of the newest history items each item is the strongest mined pair with, (b, k) int64; -1 for none.

    Args:
        memory: Of the same catalogue.
        histories: As for `recall_features`, (b, T).
        lengths: (b,).
        items: Catalogue indices, (b, k); -1 where there is none.
    """
    found: np.ndarray = _strongest(*memory.partners, histories, lengths, items, RECENT)
    return found


def followed_items(memory: Memory, histories: np.ndarray, lengths: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Which history item each item followed in training histories, as `recall_features` looks it up, (b, k) int64.

    The newest where the item came next, else the newest but one where it came after the next; -1 for neither. The
    arguments are those of `strongest_partners`.
    """
    newest: np.ndarray = _strongest(*memory.followers, histories, lengths, items, 1)
    before: np.ndarray = _strongest(*memory.skips, histories, lengths - 1, items, 1)
    return np.where(newest >= 0, newest, before)


def save_memory(memory: Memory, folder: Path) -> None:
    """Write `memory.safetensors`."""
    arrays = {f"{name}.{part}": array for name in _ROWS for part, array in getattr(memory, name)._asdict().items()}
    save_file({**arrays, "departures": memory.departures}, folder / FILE)


def load_memory(files: Mapping[str, Path]) -> Memory:
    """The memory in `memory.safetensors`."""
    arrays = load_file(files[FILE])
    rows = {name: Rows(*(arrays[f"{name}.{part}"] for part in Rows._fields)) for name in _ROWS}
    return Memory(**rows, departures=arrays["departures"])


_ROWS = ("followers", "skips", "partners")


def _rows(matrix: sparse.csr_array, most: int) -> Rows:
    """Rows of at most `most` entries, the largest ones; some rows at a time, since sorting takes room."""
    matrix.sort_indices()
    cuts = np.searchsorted(matrix.indptr, np.arange(0, matrix.nnz + ENTRIES, ENTRIES))
    borders = np.unique(np.append(cuts, matrix.shape[0]).clip(max=matrix.shape[0]))
    kept = [_largest(matrix, first, last, most) for first, last in pairwise([0, *borders.tolist()])]
    counts, items, values = (np.concatenate(each) for each in zip(*kept, strict=True))
    starts = np.concatenate(([0], np.cumsum(counts)))
    return Rows(starts.astype(np.int64), items.astype(np.int32), values.astype(np.float32))


def _largest(matrix: sparse.csr_array, first: int, last: int, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the rows [first, last): how many entries each keeps, and their columns and values."""
    starts = matrix.indptr[first : last + 1]
    columns, values = (each[starts[0] : starts[-1]] for each in (matrix.indices, matrix.data))
    row = np.repeat(np.arange(last - first), np.diff(starts))
    order = np.lexsort((columns, -values, row))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - (starts - starts[0])[row]
    kept = place < most
    return np.bincount(row[kept], minlength=last - first), columns[kept], values[kept]


@njit(nogil=True, cache=True)
def _entry(starts, items, values, row, column):  # type: ignore[no-untyped-def]
    """One value of a sparse matrix, 0 where there is none."""
    low, high = starts[row], starts[row + 1]
    place = low + np.searchsorted(items[low:high], column)
    return values[place] if place < high and items[place] == column else np.float32(0.0)


@njit(nogil=True, cache=True)
def _strongest(starts, others, values, histories, lengths, items, recent):  # type: ignore[no-untyped-def]
    """Of so many newest history items; ties go to the newer one."""
    found = np.full(items.shape, -1, np.int64)
    for row in range(len(items)):
        for column, item in enumerate(items[row]):
            best = np.float32(0.0)
            for lag in range(1, min(lengths[row], recent) + 1):
                near = histories[row, lengths[row] - lag]
                weight = _entry(starts, others, values, near, item) if item >= 0 else np.float32(0.0)
                if weight > best:
                    best, found[row, column] = weight, near
    return found


@njit(nogil=True, cache=True)
def _recall(f0, f1, f2, s0, s1, s2, p0, p1, p2, departures, histories, lengths, candidates):  # type: ignore[no-untyped-def]
    """One candidate after another; the three sparse matrices come as their parts."""
    found = np.zeros((*candidates.shape, 5), np.float32)
    for row in range(len(candidates)):
        length = lengths[row]
        newest = histories[row, length - 1]
        for column, item in enumerate(candidates[row]):
            followed = _entry(f0, f1, f2, newest, item)
            found[row, column, 0] = np.log1p(followed)
            found[row, column, 1] = followed / max(departures[newest], np.float32(1.0))
            if length > 1:
                found[row, column, 2] = np.log1p(_entry(s0, s1, s2, histories[row, length - 2], item))
            weight = 1.0
            for lag in range(1, min(length, RECENT) + 1):
                found[row, column, 3] += weight * _entry(p0, p1, p2, histories[row, length - lag], item)
                weight *= FADE
            for place in range(length):
                if histories[row, place] == item:
                    found[row, column, 4] = 1.0
    return found
