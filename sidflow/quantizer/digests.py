"""What identifies a vector: a digest of its bytes, for exact duplicates, lookups and codes that know nothing."""

import hashlib
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


def hashed_latents(vectors: npt.NDArray[Any], levels: int, key: bytes) -> npt.NDArray[np.float32]:
    """Uniform numbers in [0, 1), (n, levels): a function of a row's bytes and nothing else."""
    digests = row_digests(vectors, levels, key)
    uniform: npt.NDArray[np.float32] = (digests >> np.uint64(40)).astype(np.float32) / np.float32(2**24)
    return uniform
