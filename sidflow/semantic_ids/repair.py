"""Moving items that share a path to the cheapest free paths, deterministically."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from scipy.optimize import linear_sum_assignment

from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.sharing import prefixes
from sidflow.semantic_ids.search import Path, TakenPaths, code_costs, free_paths

CELLS = 1 << 23  # costs of (row, code) held at once, 64 MB; larger buckets are thinned out first


def repair_paths(quantizer: Quantizer, latents: np.ndarray, codes: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Unique paths: one holder stays on a shared path, the others take free ones at least cost.

    1. A path keeps one holder: a held row before others, then the nearest, then the first row.
    2. The others of a prefix share its free last codes optimally (linear sum assignment).
    3. Those that find no free code there take, in row order, the cheapest free path of a best-first search,
       which items with the very same latent share.

    The cost of a path is squared error plus the quantiser's biases. Only buckets with collisions are looped over.

    Shapes: N items, N at most the number of paths, in item id order; d dimensions; L levels.

    Args:
        quantizer: Codebooks and biases.
        latents: (N, d).
        codes: Paths asked for, (N, L).
        held: Rows that come first on their path, (N,) bool.

    Returns:
        Distinct paths, (N, L), in the dtype of `codes`.
    """
    movers = _movers(quantizer, latents, codes, held)
    if not len(movers):
        return codes
    codes = codes.copy()
    last = codes.shape[1] - 1
    residuals = latents[movers].astype(np.float64) - quantizer.quantise(codes[movers, :last])
    homeless = []
    for at, taken in _colliding_buckets(codes, movers):
        choice = _share_free_codes(residuals[at], taken, quantizer.codebooks[last], quantizer.biases[last])
        codes[movers[at], last] = choice
        homeless.append(movers[at][choice < 0])
    overflow = np.sort(np.concatenate(homeless))
    if len(overflow):
        _settle_overflow(quantizer, latents, codes, overflow)
    return codes


def _movers(quantizer: Quantizer, latents: np.ndarray, codes: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Rows that must leave their path, ascending."""
    path = prefixes(codes)
    shared = np.flatnonzero(np.bincount(path)[path] > 1) if len(path) else path
    residual = latents[shared] - quantizer.quantise(codes[shared])
    cost = np.einsum("nd,nd->n", residual, residual, dtype=np.float64)
    order = np.lexsort((cost, ~held[shared], path[shared]))  # stable: equal rows stay in id order
    ordered = path[shared][order]
    later = np.concatenate([[False], ordered[1:] == ordered[:-1]])[: len(ordered)]
    return np.sort(shared[order][later])


def _colliding_buckets(codes: np.ndarray, movers: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Per prefix with movers: which movers (positions in `movers`), and the last codes that others hold there."""
    bucket = prefixes(codes[:, :-1])
    stays = np.ones(len(codes), bool)
    stays[movers] = False
    rows = np.flatnonzero(stays)
    rows = rows[np.argsort(bucket[rows], kind="stable")]
    at = np.argsort(bucket[movers], kind="stable")
    wanted, starts = np.unique(bucket[movers][at], return_index=True)
    first = np.searchsorted(bucket[rows], wanted, "left")
    stop = np.searchsorted(bucket[rows], wanted, "right")
    groups = np.split(at, starts[1:])
    return [(group, codes[rows[low:high], -1]) for group, low, high in zip(groups, first, stop, strict=True)]


def _share_free_codes(residuals: np.ndarray, taken: np.ndarray, codebook: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Free codes for the rows of one bucket at least total cost, (m,); -1 where none is left."""
    free = np.ones(len(codebook), bool)
    free[taken] = False
    options = np.flatnonzero(free)
    choice = np.full(len(residuals), -1, np.int64)
    if len(options):
        codes, offsets = codebook[options], bias[options]
        crowded = len(residuals) > len(options) and len(residuals) * len(options) > CELLS
        able = _contenders(residuals, codes, offsets) if crowded else np.arange(len(residuals))
        rows, columns = linear_sum_assignment(code_costs(residuals[able], codes, offsets))
        choice[able[rows]] = options[columns]
    return choice


def _contenders(residuals: np.ndarray, codes: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """Rows among the k cheapest of some code, for k codes and more rows: at most k^2, ascending.

    An optimal assignment needs no other: of a code's k cheapest rows the other codes take k - 1 at most, and one that
    is left costs no more than a row beyond them. The costs are looked at a few codes at a time.
    """
    k = len(codes)
    found = np.zeros(len(residuals), bool)
    step = max(CELLS // len(residuals), 1)
    for start in range(0, k, step):
        costs = code_costs(residuals, codes[start : start + step], biases[start : start + step])
        for column in costs.T:
            limit = np.partition(column, k - 1)[k - 1]
            below = column < limit
            found |= below
            found[np.flatnonzero(column == limit)[: k - int(below.sum())]] = True
    return np.flatnonzero(found)


def _settle_overflow(quantizer: Quantizer, latents: np.ndarray, codes: np.ndarray, overflow: np.ndarray) -> None:
    """Give the overflow rows of `codes` free paths, in place and one after another."""
    settled = np.ones(len(codes), bool)
    settled[overflow] = False
    taken = TakenPaths(codes[settled], len(quantizer.codebooks[-1]))
    keys = [latents[row].tobytes() for row in overflow]
    waiting = Counter(keys)
    searches: dict[bytes, Iterator[Path]] = {}
    for row, key in zip(overflow, keys, strict=True):
        search = searches.pop(key, None) or free_paths(quantizer, latents[row], taken)
        path = next(search)
        taken.add(path)
        codes[row] = path
        waiting[key] -= 1
        if waiting[key]:  # a copy of this item goes on where its search stopped
            searches[key] = search
