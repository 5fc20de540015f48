"""Windowed co-occurrence counts: one dense counter per item over an inverted index.

No pair token is ever written down. For an item i the kernel walks i's occurrences, looks `window` positions to both
sides and counts every item j > i it meets in one cell of a dense array; then it emits i's pairs and clears the cells
it touched. Memory is that array, the inverted index of one item range and the pairs that reach `min_support`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from sidflow.errors import ShapeError


class Counts(NamedTuple):
    """Pairs with a in one item range, and what every pair of the range adds to the margins.

    Shapes: m pairs with at least `min_support`, sorted by (a, b); N items.
    """

    a: np.ndarray  # (m,) int32
    b: np.ndarray  # (m,) int32, b > a
    support: np.ndarray  # (m,) int32, distinct users
    margins: np.ndarray  # (N,) int64: c_i = sum_j support_ij over all observed pairs, before any is dropped
    tokens: int  # T = sum of support over all observed pairs
    observed: int  # distinct pairs, before any is dropped


def count_pairs(
    offsets: np.ndarray,
    items: np.ndarray,
    n_items: int,
    window: int,
    min_support: int = 1,
    item_range: tuple[int, int] | None = None,
) -> Counts:
    """Distinct users in whose history two items stand at most `window` positions apart.

    A user counts once per unordered pair however often the items repeat; an item never pairs with itself.

    Args:
        offsets: User u's history is items[offsets[u]:offsets[u + 1]], (users + 1,), int64.
        items: Item indices in [0, n_items), in time order per user, (n,), int32.
        n_items: N, the size of the catalogue.
        window: Largest distance in positions.
        min_support: Pairs below it enter the margins only.
        item_range: Count the pairs whose smaller item lies in [low, high); all by default. Ranges that split
            [0, N) give, concatenated, exactly the rows of a single call.

    Raises:
        ShapeError: If offsets, items and n_items do not fit together.
    """
    _check(offsets, items, n_items)
    low, high = item_range or (0, n_items)
    return Counts(
        *_count(_frozen(offsets, np.int64), _frozen(items, np.int32), n_items, low, high, window, min_support)
    )


def item_ranges(items: np.ndarray, n_items: int, partitions: int) -> list[tuple[int, int]]:
    """Split [0, n_items) into at most `partitions` non-empty ranges of about equally many events.

    Args:
        items: Item indices of all events, (n,), int32.
        n_items: N, the size of the catalogue.
        partitions: Most ranges; fewer come back where single items outweigh a range.
    """
    until = np.cumsum(np.bincount(items, minlength=n_items))
    share = len(items) / partitions
    cuts = np.searchsorted(until, share * np.arange(1, partitions), side="left") + 1
    edges = np.unique(np.concatenate(([0], np.minimum(cuts, n_items), [n_items])))
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)) or [(0, n_items)]


def most_recent(offsets: np.ndarray, items: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Keep the last `limit` events of every user.

    Args:
        offsets: (users + 1,), int64.
        items: (n,), int32, in time order per user.
        limit: Most events of a user, so that heavy users do not drown the rest.

    Returns:
        Offsets and items, repacked; the inputs themselves when nobody exceeds the limit.
    """
    lengths = np.diff(offsets)
    if not len(lengths) or lengths.max() <= limit:
        return offsets, items
    kept = np.concatenate(([0], np.cumsum(np.minimum(lengths, limit))))
    return kept, _tails(_frozen(offsets, np.int64), _frozen(items, np.int32), kept)


def _check(offsets: np.ndarray, items: np.ndarray, n_items: int) -> None:
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != len(items) or (np.diff(offsets) < 0).any():
        raise ShapeError(f"offsets must rise from 0 to the {len(items):,} events, got {offsets[:1]}..{offsets[-1:]}")
    if len(items) and not 0 <= items.min() <= items.max() < n_items:
        raise ShapeError(f"item indices must lie in [0, {n_items:,}), got {items.min()}..{items.max()}")


def _frozen(array: np.ndarray, dtype: type) -> np.ndarray:
    """A read-only view: memory-mapped and received arrays are, and numba compiles once per kind of array."""
    view: np.ndarray = np.ascontiguousarray(array, dtype).view()
    view.setflags(write=False)
    return view


@njit(nogil=True, cache=True)
def _tails(offsets, items, kept):  # type: ignore[no-untyped-def]
    """The last events of every user, as many as `kept` has room for."""
    out = np.empty(kept[-1], items.dtype)
    for user in range(len(offsets) - 1):
        size = kept[user + 1] - kept[user]
        out[kept[user] : kept[user + 1]] = items[offsets[user + 1] - size : offsets[user + 1]]
    return out


@njit(nogil=True, cache=True)
def _count(offsets, items, n_items, low, high, window, min_support):  # type: ignore[no-untyped-def]
    """The kernel: one item after another, its partners counted, sorted and written behind one another."""
    starts, users, places = _invert(offsets, items, low, high)
    cells = np.zeros(n_items, np.int64)
    touched = np.empty(n_items + 1, np.int32)  # one more, as `_meet` writes an entry before it knows that it is new
    keys = np.empty(n_items, np.int64)  # this item's partners as partner << 32 | support
    margins = np.zeros(n_items, np.int64)
    a, b, support = np.empty(1024, np.int32), np.empty(1024, np.int32), np.empty(1024, np.int32)
    kept = tokens = observed = 0
    for item in range(low, high):
        events = slice(starts[item - low], starts[item - low + 1])
        n_touched = _meet(item, users[events], places[events], offsets, items, window, cells, touched)
        n_keys = own = 0
        for other in touched[:n_touched]:
            seen = cells[other] & 0xFFFFFFFF
            cells[other] = 0
            own += seen
            margins[other] += seen
            if seen >= min_support:
                keys[n_keys] = np.int64(other) << 32 | seen
                n_keys += 1
        margins[item] += own
        tokens += own
        observed += n_touched
        if kept + n_keys > len(a):
            size = 2 * (kept + n_keys)
            a, b, support = _grown(a, kept, size), _grown(b, kept, size), _grown(support, kept, size)
        keys[:n_keys].sort()
        for key in keys[:n_keys]:
            a[kept], b[kept], support[kept] = item, key >> 32, key & 0xFFFFFFFF
            kept += 1
    return a[:kept].copy(), b[:kept].copy(), support[:kept].copy(), margins, tokens, observed


@njit(nogil=True, cache=True)
def _meet(item, users, places, offsets, items, window, cells, touched):  # type: ignore[no-untyped-def]
    """Count every larger item near one item's events, in cells that hold (last user + 1) << 32 | users so far.

    Returns how many cells were touched for the first time; `touched` names them.
    """
    n_touched = 0
    for user, place in zip(users, places):  # noqa: B905 - numba's zip has no strict
        stamp = np.int64(user + 1) << 32
        for near in range(max(place - window, offsets[user]), min(place + window + 1, offsets[user + 1])):
            other = items[near]
            if other > item:
                cell = cells[other]
                touched[n_touched] = other
                n_touched += cell == 0  # no branch: whether a pair is new cannot be predicted
                cells[other] = stamp | ((cell & 0xFFFFFFFF) + ((cell >> 32) != user + 1))
    return n_touched


@njit(nogil=True, cache=True)
def _invert(offsets, items, low, high):  # type: ignore[no-untyped-def]
    """Users and positions of every event of the items in [low, high), grouped by item, users ascending."""
    starts = np.zeros(high - low + 2, np.int64)
    for item in items:
        if low <= item < high:
            starts[item - low + 2] += 1
    starts = np.cumsum(starts)
    users, places = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int64)
    for user in range(len(offsets) - 1):
        for place in range(offsets[user], offsets[user + 1]):
            item = items[place]
            if low <= item < high:
                users[starts[item - low + 1]], places[starts[item - low + 1]] = user, place
                starts[item - low + 1] += 1
    return starts[:-1], users, places


@njit(nogil=True, cache=True)
def _grown(array, used, size):  # type: ignore[no-untyped-def]
    grown = np.empty(size, array.dtype)
    grown[:used] = array[:used]
    return grown
