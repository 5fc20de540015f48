"""What identifies a vector: a digest of its bytes, for exact duplicates, lookups and codes that know nothing."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

CHUNK = 16_384
Digests = npt.NDArray[np.uint64]


def row_digests(vectors: npt.NDArray[Any], words: int = 1, key: bytes = b"") -> Digests:
    """Keyed BLAKE2b digests of rows as float32; equal rows have equal digests, and -0 equals 0.

    Args:
        vectors: (n, D), any float type; may be memory-mapped, since it is read in chunks.
        words: Words of a digest, at most 8.
        key: At most 64 bytes; another key gives unrelated digests.

    Returns:
        (n, words) uint64.
    """
    digests = np.empty((len(vectors), words), "<u8")
    for start in range(0, len(vectors), CHUNK):
        rows = np.ascontiguousarray(np.asarray(vectors[start : start + CHUNK], "<f4") + np.float32(0))
        parts = [hashlib.blake2b(row, digest_size=8 * words, key=key).digest() for row in rows]
        digests[start : start + len(rows)] = np.frombuffer(b"".join(parts), "<u8").reshape(-1, words)
    return digests


def group_duplicates(vectors: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The first item with the very same vector, per item, (n,): its own index where there is none before it."""
    _, first, inverse = np.unique(row_digests(vectors)[:, 0], return_index=True, return_inverse=True)
    groups: npt.NDArray[np.int64] = first[inverse].astype(np.int64)
    return groups


def hashed_latents(vectors: npt.NDArray[Any], sizes: Sequence[int], key: bytes) -> npt.NDArray[np.float32]:
    """Random places on grids: a function of a row's bytes and nothing else.

    Args:
        vectors: (n, D).
        sizes: Codes per level, at most 32,768 each.
        key: Of the digests.

    Returns:
        (n, 2 L): per level the place in `grid_cells` of a cell drawn uniformly, off its centre by a quarter at most.
    """
    digests = row_digests(vectors, len(sizes), key)
    latents = np.empty((len(vectors), 2 * len(sizes)), np.float32)
    for level, size in enumerate(sizes):
        product = (digests[:, level] >> np.uint64(40)) * np.uint64(size)  # 24 bits times at most 15
        cell, rest = product >> np.uint64(24), product & np.uint64(2**24 - 1)
        place = latents[:, 2 * level : 2 * level + 2]
        place[:] = grid_cells(size)[cell]
        place[:, 1] += rest.astype(np.float32) / np.float32(2**25) - np.float32(0.25)
    return latents


def grid_cells(size: int) -> npt.NDArray[np.float32]:
    """Rows and columns of the cells of a square grid around zero, (size, 2).

    Whole or half numbers within 91 of zero, so that float32 tells all cells apart: on one line, squares of places up
    to 32,767 would need more digits than it has.
    """
    width = math.isqrt(size - 1) + 1
    cells = np.arange(size)
    centred: npt.NDArray[np.float32] = np.stack([cells // width, cells % width], axis=1).astype(np.float32)
    return centred - np.float32((width - 1) / 2)
