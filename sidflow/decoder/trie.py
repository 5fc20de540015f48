"""The SIDs of a catalogue as a trie held in flat arrays."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Trie:
    """All prefixes of the SIDs of a catalogue, level by level, in CSR form.

    Shapes: N items, n_l prefixes of length l (n_0 = 1, the empty one), L levels.

    Attributes:
        order: Items sorted by SID, (N,) int64. Every prefix covers one stretch of it.
        places: Where each item stands in the order, (N,) int64.
        begins: Per length l = 0..L, where a prefix's stretch begins, (n_l + 1,) int64.
        children: Per length l < L, where a prefix's children begin, (n_l + 1,) int64.
        codes: Per length l < L, the last code of each prefix of length l + 1, (n_(l+1),) int64.
        branching: Per length l < L, the most children of a prefix.
    """

    order: Tensor
    places: Tensor
    begins: tuple[Tensor, ...]
    children: tuple[Tensor, ...]
    codes: tuple[Tensor, ...]
    branching: tuple[int, ...]


def build_trie(codes: np.ndarray, device: torch.device | str = "cpu") -> Trie:
    """The trie of SIDs (N, L) on a device; items that share a SID share its last node."""
    count, levels = codes.shape
    order = np.lexsort(codes.T[::-1])
    ordered = codes[order].astype(np.int64)
    begins, children, last = [np.array([0, count])], [], []
    fresh = np.zeros(count, dtype=bool)
    fresh[:1] = True
    for level in range(levels):
        fresh[1:] |= ordered[1:, level] != ordered[:-1, level]
        starts = np.flatnonzero(fresh)
        children.append(np.searchsorted(starts, begins[-1]))
        last.append(ordered[starts, level])
        begins.append(np.append(starts, count))
    return Trie(
        torch.from_numpy(order).to(device),
        torch.from_numpy(np.argsort(order)).to(device),
        tuple(torch.from_numpy(each).to(device) for each in begins),
        tuple(torch.from_numpy(each).to(device) for each in children),
        tuple(torch.from_numpy(each).to(device) for each in last),
        tuple(int(np.diff(each).max()) for each in children),
    )
