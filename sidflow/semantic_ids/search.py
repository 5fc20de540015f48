"""Best-first search for the free paths of one latent, cheapest first."""

import heapq
from collections.abc import Iterator

import numpy as np

from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.sharing import prefixes

REACH = 16  # nearest codes per level that the search looks at before it widens

Path = tuple[int, ...]


class TakenPaths:
    """Which last codes are taken under a prefix."""

    def __init__(self, codes: np.ndarray, size: int) -> None:
        """Paths taken at first, (n, L), and the number of codes of the last level."""
        bucket = prefixes(codes[:, :-1])
        order = np.argsort(bucket, kind="stable")
        starts = np.unique(bucket[order], return_index=True)[1]
        stops = np.append(starts, len(order))[1:]
        above = map(tuple, codes[order][starts, :-1].tolist())
        self._last = codes[order, -1]
        self._spans = dict(zip(above, zip(starts.tolist(), stops.tolist(), strict=True), strict=True))
        self._masks: dict[Path, np.ndarray] = {}
        self._size = size

    def under(self, prefix: Path) -> np.ndarray:
        """Taken last codes, (K,) bool."""
        if prefix not in self._masks:
            mask = np.zeros(self._size, bool)
            start, stop = self._spans.get(prefix, (0, 0))
            mask[self._last[start:stop]] = True
            self._masks[prefix] = mask
        return self._masks[prefix]

    def add(self, path: Path) -> None:
        """Take a path."""
        self.under(path[:-1])[path[-1]] = True


def free_paths(quantizer: Quantizer, latent: np.ndarray, taken: TakenPaths) -> Iterator[Path]:
    """Free paths, the cheapest that a best-first search over prefixes finds first; it widens until it finds one.

    The search goes on where it was: items with the very same latent share one, and each gets what a search of its own
    would find, since what is taken stays taken.

    Args:
        quantizer: Codebooks and biases.
        latent: (d,).
        taken: Paths that are not free, which may grow meanwhile; a path comes again until it is taken.

    Raises:
        RuntimeError: If the next path is asked for and none is free.
    """
    reach = REACH
    while True:
        yield from _search(quantizer, latent.astype(np.float64), taken, reach)
        if reach >= max(len(codebook) for codebook in quantizer.codebooks):
            raise RuntimeError("free_paths: every path is taken; check the number of items beforehand.")
        reach *= 2


def _search(quantizer: Quantizer, latent: np.ndarray, taken: TakenPaths, reach: int) -> Iterator[Path]:
    """Best-first: a prefix is worth its greedy completion, a whole path its exact cost."""
    levels = len(quantizer.codebooks)
    heap: list[tuple[float, Path]] = [(0.0, ())]
    ends: dict[Path, tuple[float, np.ndarray]] = {}  # of a prefix of L - 1 codes: its biases, costs of last codes (K,)
    while heap:
        _, prefix = heapq.heappop(heap)
        if len(prefix) == levels:
            if not taken.under(prefix[:-1])[prefix[-1]]:
                yield prefix
            prefix = prefix[:-1]  # the path is taken by now: the next one under its prefix
        if len(prefix) < levels - 1:
            for child in _children(quantizer, latent, prefix, reach):
                heapq.heappush(heap, child)
            continue
        if prefix not in ends:
            residual, spent = _left_over(quantizer, latent, prefix)
            ends[prefix] = spent, code_costs(residual[None], quantizer.codebooks[-1], quantizer.biases[-1])[0]
        spent, cost = ends[prefix]
        cost[taken.under(prefix)] = np.inf
        best = int(cost.argmin())
        if np.isfinite(cost[best]):
            heapq.heappush(heap, (spent + float(cost[best]), (*prefix, best)))


def _children(quantizer: Quantizer, latent: np.ndarray, prefix: Path, reach: int) -> list[tuple[float, Path]]:
    """The nearest next prefixes with their estimated costs."""
    level, (residual, spent) = len(prefix), _left_over(quantizer, latent, prefix)
    bias = quantizer.biases[level]
    cost = code_costs(residual[None], quantizer.codebooks[level], bias)[0]
    nearest = np.argsort(cost, kind="stable")[:reach]
    estimate = spent + bias[nearest] + _completed(quantizer, residual, nearest, level)
    return [(value, (*prefix, code)) for value, code in zip(estimate.tolist(), nearest.tolist(), strict=True)]


def _left_over(quantizer: Quantizer, latent: np.ndarray, prefix: Path) -> tuple[np.ndarray, float]:
    """What a prefix leaves of a latent, (d,), and the biases it has cost."""
    residual, spent = latent, 0.0
    for codebook, bias, code in zip(quantizer.codebooks, quantizer.biases, prefix, strict=False):
        residual, spent = residual - codebook[code], spent + float(bias[code])
    return residual, spent


def _completed(quantizer: Quantizer, residual: np.ndarray, choices: np.ndarray, level: int) -> np.ndarray:
    """Cost of completing each choice of a level greedily, taken or not, (t,)."""
    rest = residual - quantizer.codebooks[level][choices]
    spent = np.zeros(len(choices))
    for codebook, bias in zip(quantizer.codebooks[level + 1 :], quantizer.biases[level + 1 :], strict=True):
        code = code_costs(rest, codebook, bias).argmin(axis=1)
        rest, spent = rest - codebook[code], spent + bias[code]
    total: np.ndarray = spent + np.einsum("td,td->t", rest, rest)
    return total


def code_costs(residuals: np.ndarray, codebook: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Squared distances of residuals (m, d) to code vectors (k, d), plus biases (k,): (m, k) float64."""
    book = codebook.astype(np.float64)
    squares = np.einsum("md,md->m", residuals, residuals)[:, None] + np.einsum("kd,kd->k", book, book)
    costs: np.ndarray = squares - 2 * residuals @ book.T + bias
    return costs
