"""Histories in blocks of users, so that a pass over a memory-mapped log holds no copy of it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sidflow.histories.table import Histories

EVENTS = 1 << 23
"""Events and users of a block: 32 MiB of items, and a few times that in what is derived from them."""


def user_blocks(histories: Histories, events: int = EVENTS) -> Iterator[Histories]:
    """Consecutive users, at most so many events and users at a time; events are views, not copies.

    Args:
        histories: All users.
        events: Most events of a block, and most users; a user with more events is a block of their own.
    """
    offsets, first, users = histories.offsets, 0, len(histories.user_ids)
    while first < users:
        last = int(np.searchsorted(offsets, offsets[first] + events, side="right")) - 1
        last = min(max(last, first + 1), first + events, users)
        begin, end = offsets[first], offsets[last]
        yield replace(
            histories,
            user_ids=histories.user_ids.slice(first, last - first),
            offsets=offsets[first : last + 1] - begin,
            items=histories.items[begin:end],
            timestamps=histories.timestamps[begin:end],
            n_train=histories.n_train[first:last],
            n_validation=histories.n_validation[first:last],
        )
        first = last
