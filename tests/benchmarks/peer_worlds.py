"""Small worlds for the peers of benchmarks/decoder.py: one where the last item tells the next, one without any rule."""

import numpy as np

from sidflow.dataset.build import Dataset
from sidflow.histories.table import Histories
from tests.decoder.worlds import histories_by_hand, sids_of

ITEMS = 12


def successors(users: int = 60, length: int = 8) -> Dataset:
    """Each item is always followed by the same one, on one cycle of all; the last two events are held out."""
    cycle = np.random.default_rng(0).permutation(ITEMS)
    rows = [[int(cycle[(user + step) % ITEMS]) for step in range(length)] for user in range(users)]
    histories = histories_by_hand(rows, [length - 2] * users, [1] * users, ITEMS)
    return Dataset(histories, sids_of(np.array([[item % 3, item // 3] for item in range(ITEMS)])))


def ragged() -> Histories:
    """Users of 2 to 6 events over the items of a small catalogue."""
    rng = np.random.default_rng(1)
    rows = [rng.integers(ITEMS, size=size).tolist() for size in (3, 5, 6, 2, 4, 6, 5)]
    return histories_by_hand(rows, [len(row) - 2 for row in rows], [1] * len(rows), ITEMS)
