"""An item moves only if it gains: old paths survive a refit while they are nearly as good as the best."""

from dataclasses import replace

import numpy as np

from sidflow.quantizer.codebook import Quantizer
from sidflow.semantic_ids.unique import squared_errors


def keep_old_paths(
    quantizer: Quantizer, latents: np.ndarray, nearest: np.ndarray, old: np.ndarray, hysteresis: float
) -> np.ndarray:
    """The longest old prefix of each item that costs at most `hysteresis` more than its nearest path.

    An old prefix of l codes is completed greedily; it is kept if D(completed) <= (1 + hysteresis) D(nearest), tried
    from l = L (the whole old path) down to l = 1. So an item that still fits its old first code keeps at least that.

    Shapes: n items, d latent dimensions, L levels.

    Args:
        quantizer: The quantiser now, its codes aligned with the old ones.
        latents: (n, d).
        nearest: Greedy paths now, (n, L).
        old: Paths of the previous table, (n, L).
        hysteresis: Share of squared error that an item may lose by staying.

    Returns:
        Paths, (n, L) int16; not unique.

    Source: DACT's rule "first code unchanged: keep all", arXiv 2603.29705, applied at every level.
    """
    paths = np.array(nearest, dtype=np.int16)
    limit = (1 + hysteresis) * squared_errors(quantizer, latents, nearest)
    rows = np.arange(len(paths))
    for length in range(nearest.shape[1], 0, -1):
        trial = complete_path(quantizer, latents[rows], old[rows, :length])
        fits = squared_errors(quantizer, latents[rows], trial) <= limit[rows]
        paths[rows[fits]] = trial[fits]
        rows = rows[~fits]
    return paths


def complete_path(quantizer: Quantizer, latents: np.ndarray, prefix: np.ndarray) -> np.ndarray:
    """Greedy paths, (n, L) int16, of latents (n, d) under given prefixes (n, l)."""
    length = prefix.shape[1]
    if length == len(quantizer.codebooks):
        return prefix.astype(np.int16)
    tail = replace(quantizer, codebooks=quantizer.codebooks[length:], biases=quantizer.biases[length:])
    return np.hstack([prefix, tail.assign(latents - quantizer.quantise(prefix))]).astype(np.int16)
