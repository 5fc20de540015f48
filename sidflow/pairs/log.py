"""The events that pairs are counted in: histories cut to the most recent, and how far each event looks."""

from typing import NamedTuple

import numpy as np
from numba import njit

from sidflow.errors import ShapeError

WHOLE_HISTORY = 65_535
"""A window as wide as any history; `pairs.max_history` allows no longer one, so that a reach fits 16 bits."""
MOST = 2**31 - 2
"""Items or users that fit the kernel's 32 bits beside a user number raised by one."""
DAY_US = 86_400_000_000.0
_CHUNK = 1 << 22  # events


class Log(NamedTuple):
    """Training events of all users, packed.

    Shapes: u users, n events. `back` and `ahead` are empty where every event looks `window` positions to both sides
    within its user's history; `ages` is empty where nothing is decayed.
    """

    offsets: np.ndarray  # (u + 1,) int64; user k's events are [offsets[k], offsets[k + 1])
    items: np.ndarray  # (n,) int32 in [0, N), in time order per user
    window: int  # largest distance of two co-occurring events in positions
    back: np.ndarray = np.empty(0, np.uint16)  # (n,) uint16: partners among so many events before
    ahead: np.ndarray = np.empty(0, np.uint16)  # (n,) uint16: ... and after
    ages: np.ndarray = np.empty(0, np.float64)  # (n,) float64, days before the newest event; their differences are gaps

    def check(self, n_items: int) -> None:
        """Refuse what the kernel, which indexes without checks, must not see.

        Raises:
            ShapeError: If the arrays do not fit together, an item lies outside the catalogue, or items or users are
                more than 32 bits number.
        """
        offsets, items = self.offsets, self.items
        for name, count in (("items", n_items), ("users", len(offsets) - 1)):
            if count > MOST:
                raise ShapeError(f"pairs are counted over at most {MOST:,} {name}, got {count:,}. Split the log.")
        if items.dtype != np.int32:
            raise ShapeError(f"item indices must be int32, got {items.dtype}. Convert them, once they fit.")
        if not len(offsets) or offsets[0] != 0 or offsets[-1] != len(items) or (np.diff(offsets) < 0).any():
            raise ShapeError(
                f"offsets must rise from 0 to the {len(items):,} events, got {offsets[:1]}..{offsets[-1:]}"
            )
        if len(items) and not 0 <= items.min() <= items.max() < n_items:
            raise ShapeError(f"item indices must lie in [0, {n_items:,}), got {items.min()}..{items.max()}")
        for name in ("back", "ahead", "ages"):
            if len(getattr(self, name)) not in (0, len(items)):
                raise ShapeError(f"{name} has {len(getattr(self, name)):,} entries for {len(items):,} events")


def recent_log(
    offsets: np.ndarray,
    items: np.ndarray,
    timestamps: np.ndarray,
    max_history: int,
    window: int | None = None,
    max_gap_us: int | None = None,
    session_gap_us: int | None = None,
    with_ages: bool = False,
) -> Log:
    """The last `max_history` events of every user, and which of them look at which.

    Two events of a user co-occur when they are at most `window` positions apart, at most `max_gap_us` of time apart,
    and no two neighbours between them are more than `session_gap_us` apart; None lifts a condition.

    Args:
        offsets: (u + 1,), int64.
        items: (n,), int32, in time order per user.
        timestamps: (n,), int64, microseconds, ascending per user.
        max_history: Most events of a user, so that heavy users do not drown the rest; at most `WHOLE_HISTORY`.
        window: Largest distance in positions.
        max_gap_us: Largest distance in time.
        session_gap_us: Largest pause within a session.
        with_ages: Fill `ages`.
    """
    window = WHOLE_HISTORY if window is None else min(window, WHOLE_HISTORY)
    lengths = np.diff(offsets)
    if len(lengths) and lengths.max() > max_history:
        kept = np.concatenate(([0], np.cumsum(np.minimum(lengths, max_history))))
        items = _tails(frozen(offsets), frozen(items), kept)
        timestamps = _tails(frozen(offsets), frozen(timestamps), kept)
        offsets = kept
    log = Log(offsets, items, window)
    if with_ages:
        log = log._replace(ages=((timestamps.max(initial=0) - timestamps) / DAY_US).astype(np.float64))
    if max_gap_us is None and session_gap_us is None:
        return log
    far = np.iinfo(np.int64).max
    gap, pause = (far if each is None else each for each in (max_gap_us, session_gap_us))
    back, ahead = _reach(frozen(offsets), frozen(timestamps), log.window, gap, pause)
    return log._replace(back=back, ahead=ahead)


def count_users(log: Log, n_items: int) -> tuple[int, np.ndarray]:
    """Users with any event, and the distinct users of every item, (N,) int64."""
    return int(np.count_nonzero(np.diff(log.offsets))), _item_users(frozen(log.offsets), frozen(log.items), n_items)


def count_events(items: np.ndarray, n_items: int) -> np.ndarray:
    """Events of every item, (N,) int64, in bounded memory: numpy's count would copy all items as int64 first."""
    counts = np.zeros(n_items, np.int64)
    for start in range(0, len(items), _CHUNK):
        counts += np.bincount(items[start : start + _CHUNK], minlength=n_items)
    return counts


def frozen(array: np.ndarray) -> np.ndarray:
    """A read-only view: memory-mapped and received arrays are, and numba compiles once per kind of array."""
    view: np.ndarray = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


@njit(nogil=True, cache=True)
def _tails(offsets, values, kept):  # type: ignore[no-untyped-def]
    """The last events of every user, as many as `kept` has room for."""
    out = np.empty(kept[-1], values.dtype)
    for user in range(len(offsets) - 1):
        size = kept[user + 1] - kept[user]
        out[kept[user] : kept[user + 1]] = values[offsets[user + 1] - size : offsets[user + 1]]
    return out


@njit(nogil=True, cache=True)
def _reach(offsets, timestamps, window, gap, pause):  # type: ignore[no-untyped-def]
    """Two pointers per user: the first event that the current one still sees never moves back."""
    back = np.zeros(len(timestamps), np.uint16)
    ahead = np.zeros(len(timestamps), np.uint16)
    for user in range(len(offsets) - 1):
        first = offsets[user]
        for place in range(offsets[user], offsets[user + 1]):
            start = first
            if place > offsets[user] and timestamps[place] - timestamps[place - 1] > pause:
                first = place
            while place - first > window or timestamps[place] - timestamps[first] > gap:
                first += 1
            back[place] = place - first
            for left in range(start, first):
                ahead[left] = place - 1 - left
        for left in range(first, offsets[user + 1]):
            ahead[left] = offsets[user + 1] - 1 - left
    return back, ahead


@njit(nogil=True, cache=True)
def _item_users(offsets, items, n_items):  # type: ignore[no-untyped-def]
    """Distinct users per item; `last` remembers the user who was counted last."""
    counts, last = np.zeros(n_items, np.int64), np.full(n_items, -1, np.int64)
    for user in range(len(offsets) - 1):
        for item in items[offsets[user] : offsets[user + 1]]:
            counts[item] += last[item] != user
            last[item] = user
    return counts
