"""Training windows: every event of a training history is a target once an epoch, in batches without waste."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sidflow.histories.table import Histories


class Windows(NamedTuple):
    """Stretches of training histories, w of them.

    Attributes:
        starts: Event index of the first input, (w,) int64; target t is event start + t + 1.
        lengths: Inputs of each window, (w,) int64.
        firsts: First position whose target counts, (w,) int64; earlier ones are context only.
    """

    starts: np.ndarray
    lengths: np.ndarray
    firsts: np.ndarray


def cut_windows(histories: Histories, max_items: int, generator: np.random.Generator) -> Windows:
    """One epoch's windows over the training prefixes; each target is in exactly one.

    A history of more than `max_items` inputs is cut at a random phase into windows that step by half their
    length, of which all but the first count their newer half only, so that no target loses its context.
    """
    inputs = np.maximum(histories.n_train.astype(np.int64) - 1, 0)
    step = max(max_items // 2, 1)
    heads = np.where(inputs > max_items, generator.integers(max_items - step + 1, max_items + 1, len(inputs)), inputs)
    counts = np.where(inputs > 0, 1 + -(-(inputs - heads) // step), 0)
    user = np.repeat(np.arange(len(inputs)), counts)
    turn = np.arange(len(user)) - np.repeat(np.cumsum(counts) - counts, counts)
    ends = np.minimum(heads[user] + turn * step, inputs[user])
    begins = np.maximum(ends - max_items, 0)
    news = np.where(turn > 0, heads[user] + (turn - 1) * step, 0)
    return Windows(histories.offsets[user] + begins, ends - begins, news - begins)


def batches(windows: Windows, positions: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows of `windows` in random batches of like length, at most `positions` padded positions each."""
    order = np.lexsort((generator.random(len(windows.lengths)), windows.lengths))[::-1]
    lengths = windows.lengths[order]
    cuts = [0]
    while cuts[-1] < len(order):
        cuts.append(cuts[-1] + max(1, positions // int(lengths[cuts[-1]])))
    for index in generator.permutation(len(cuts) - 1):
        yield order[cuts[index] : cuts[index + 1]]


class Batch(NamedTuple):
    """Windows side by side, padded on the right: b windows, T inputs.

    Attributes:
        items: Catalogue indices of the inputs, (b, T) int64; padding repeats an item.
        lengths: Inputs of each window, (b,) int64.
        rows, steps: Where a target counts, (n,) int64 each.
        targets: Catalogue index of what came next there, (n,) int64.
    """

    items: np.ndarray
    lengths: np.ndarray
    rows: np.ndarray
    steps: np.ndarray
    targets: np.ndarray


def gather_batch(items: np.ndarray, windows: Windows, chosen: np.ndarray) -> Batch:
    """The events (n,) of the chosen windows."""
    lengths, starts = windows.lengths[chosen], windows.starts[chosen, None]
    step = np.arange(lengths.max())
    inside = step < lengths[:, None]
    inputs = items[np.where(inside, starts + step, starts)].astype(np.int64)
    rows, steps = np.nonzero(inside & (step >= windows.firsts[chosen, None]))
    return Batch(inputs, lengths, rows, steps, items[starts[rows, 0] + steps + 1].astype(np.int64))
