"""Which events count: repeats, and users and items with too few."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from sidflow.histories.events import Events

Mask = npt.NDArray[np.bool_]


def first_of_repeats(events: Events) -> Mask:
    """True but for repeats of the same user, item and time; the first stays. Returns (n,) bool."""
    keep = np.ones(len(events.items), np.bool_)
    same = (events.users[1:] == events.users[:-1]) & (events.timestamps[1:] == events.timestamps[:-1])
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))  # only ties can hold repeats
    moment = np.cumsum(np.append(True, ~same))[tied]
    order = np.lexsort((events.items[tied], moment))  # stable
    item, moment = events.items[tied][order], moment[order]
    keep[tied[order][1:][(item[1:] == item[:-1]) & (moment[1:] == moment[:-1])]] = False
    return keep


def first_of_runs(events: Events) -> Mask:
    """True but for an item that its user had just before. Returns (n,) bool."""
    run = (events.users[1:] == events.users[:-1]) & (events.items[1:] == events.items[:-1])
    return np.append(True, ~run)[: len(events.items)]


def k_core(
    events: Events, min_user: int, min_item: int, learnable: Mask | None = None
) -> tuple[Mask, dict[Literal["user", "item"], int]]:
    """The largest part in which every user and every item has enough events.

    Counts look at learnable events alone. A user or item without any is new: it is not judged, and stays.

    Args:
        events: n events.
        min_user: Fewest events of a user.
        min_item: Fewest events of an item.
        learnable: (n,) bool, the events that may be counted; None counts all.

    Returns:
        (n,) bool, the events of that part; and how many fell for their user and for their item.
    """
    counted = np.ones(len(events.items), np.bool_) if learnable is None else learnable
    n_users = len(events.user_ids)
    n_items = int(events.items.max(initial=-1)) + 1
    known_user = np.bincount(events.users[counted], minlength=n_users) > 0
    known_item = np.bincount(events.items[counted], minlength=n_items) > 0
    keep = np.ones(len(events.items), np.bool_)
    fallen: dict[Literal["user", "item"], int] = {"user": 0, "item": 0}
    while True:
        rare_user = known_user & (np.bincount(events.users[keep & counted], minlength=n_users) < min_user)
        left = keep & ~rare_user[events.users]
        rare_item = known_item & (np.bincount(events.items[left & counted], minlength=n_items) < min_item)
        after = left & ~rare_item[events.items]
        fallen["user"] += int(keep.sum() - left.sum())
        fallen["item"] += int(left.sum() - after.sum())
        if after.sum() == keep.sum():
            return keep, fallen
        keep = after
