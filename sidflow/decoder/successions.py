"""How often one item followed another."""

import numpy as np
from scipy import sparse

from sidflow.histories.blocks import EVENTS, user_blocks
from sidflow.histories.table import Histories, training_events


def count_successions(histories: Histories, lag: int = 1, events: int = EVENTS) -> sparse.csr_array:
    """How often each item stood `lag` places after each other one in a user's training prefix, (N, N) int32.

    Args:
        histories: Memory-mapped, they are read in blocks and never copied whole.
        lag: 1 for the item right after another.
        events: Most events of a block.
    """
    counts = _counted(np.zeros(0, np.int32), np.zeros(0, np.int32), len(histories.item_ids))
    for block in user_blocks(histories, events):
        offsets, items, _ = training_events(block)
        user = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        many = max(len(items) - lag, 0)
        same = user[:many] == user[lag:]
        counts = counts + _counted(items[:many][same], items[lag:][same], len(histories.item_ids))
    return counts


def _counted(before: np.ndarray, after: np.ndarray, size: int) -> sparse.csr_array:
    ones = np.ones(len(before), np.int32)
    counts: sparse.csr_array = sparse.coo_array((ones, (before, after)), shape=(size, size)).tocsr()
    return counts
