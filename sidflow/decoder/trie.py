"""The SIDs of a catalogue as a trie held in flat arrays."""

from typing import NamedTuple

import numpy as np


class Level(NamedTuple):
    """The prefixes of length l, n_l of them in SID order, and where those of length l - 1 find theirs.

    Attributes:
        children: Where the prefixes begin that go on from each shorter one, (n_(l-1) + 1,) int64.
        codes: The last code of each prefix, (n_l,) int64.
        begins: Where the items of each prefix begin in the order of all, (n_l + 1,) int64.
    """

    children: np.ndarray
    codes: np.ndarray
    begins: np.ndarray


class Trie(NamedTuple):
    """All prefixes of the SIDs of N items in CSR form; they stay in main memory, whatever device the network is on.

    Attributes:
        order: Items sorted by SID, (N,) int64. Every prefix covers one stretch of it.
        places: Where each item stands in the order, (N,) int64.
        levels: One for each length from 1; the prefix of length 0 is the empty one.
    """

    order: np.ndarray
    places: np.ndarray
    levels: tuple[Level, ...]


def build_trie(codes: np.ndarray) -> Trie:
    """The trie of SIDs (N, L); items that share a SID share its last prefix."""
    count, length = codes.shape
    order = np.lexsort(codes.T[::-1])
    ordered = codes[order].astype(np.int64)
    begins, levels = np.array([0, count]), []
    fresh = np.zeros(count, dtype=bool)
    fresh[:1] = True
    for level in range(length):
        fresh[1:] |= ordered[1:, level] != ordered[:-1, level]
        starts = np.flatnonzero(fresh)
        children, begins = np.searchsorted(starts, begins), np.append(starts, count)
        levels.append(Level(children, ordered[starts, level], begins))
    return Trie(order, np.argsort(order), tuple(levels))
