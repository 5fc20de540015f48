"""The compiled counting kernel. It indexes without checks: `Log.check` comes first."""

import numpy as np
from numba import njit

_AHEAD = 64  # events whose neighbourhoods are read ahead; 16 to 1,024 made no difference


@njit(nogil=True, cache=True)
def count_range(offsets, items, back, ahead, ages, window, half_lives, n_items, low, high, min_support):  # type: ignore[no-untyped-def]
    """The kernel: one item after another, its partners counted, sorted and written behind one another."""
    starts, users, places = _invert(offsets, items, low, high)
    decays = len(ages) > 0
    cells = np.zeros(n_items, np.int64)
    touched = np.empty(n_items + 1, np.int32)  # one more, as `_meet` writes an entry before it knows that it is new
    reach = max(window, 65_535) if len(back) else window
    larger = np.empty(2 * reach + 2, np.int32)  # the most that one event meets, and one
    keys = np.empty(n_items, np.int64)  # this item's partners as partner << 32 | support
    sums, best = np.zeros(n_items if decays else 0), np.zeros(n_items if decays else 0, np.float32)
    margins = np.zeros(n_items, np.int64)
    a, b, support = np.empty(1024, np.int32), np.empty(1024, np.int32), np.empty(1024, np.int32)
    decayed = np.empty(1024 if decays else 0, np.float32)
    kept = tokens = observed = 0
    for item in range(low, high):
        events = slice(starts[item - low], starts[item - low + 1])
        near = _bounds(users[events], places[events], offsets, back, ahead, window)
        n_touched = _meet(item, users[events], near, items, larger, cells, touched)
        if decays:
            _decay(item, users[events], places[events], near, items, ages, half_lives, best, sums)
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
            if decays:
                decayed = _grown(decayed, kept, size)
        keys[:n_keys].sort()
        for key in keys[:n_keys]:
            a[kept], b[kept], support[kept] = item, key >> 32, key & 0xFFFFFFFF
            if decays:
                decayed[kept] = sums[key >> 32]
            kept += 1
        if decays:
            sums[touched[:n_touched]] = 0.0
    rows = slice(0, kept if decays else 0)
    return a[:kept].copy(), b[:kept].copy(), support[:kept].copy(), decayed[rows].copy(), margins, tokens, observed


@njit(nogil=True, cache=True)
def _bounds(users, places, offsets, back, ahead, window):  # type: ignore[no-untyped-def]
    """First and last position, exclusive, that each of an item's events looks at, (events, 2)."""
    near = np.empty((len(places), 2), np.int64)
    for event, place in enumerate(places):
        if len(back):
            near[event, 0], near[event, 1] = place - back[place], place + ahead[place] + 1
        else:
            user = users[event]
            near[event, 0] = max(place - window, offsets[user])
            near[event, 1] = min(place + window + 1, offsets[user + 1])
    return near


@njit(nogil=True, cache=True)
def _meet(item, users, near, items, larger, cells, touched):  # type: ignore[no-untyped-def]
    """Count every larger item near one item's events, in cells that hold (last user + 1) << 32 | users so far.

    Returns how many cells were touched for the first time; `touched` names them. A rare item's events lie far apart in
    memory: both ends of the next few events' neighbourhoods are read ahead, so that the processor waits for all of them
    at once. The larger items are gathered into `larger` first, since a branch on the order of two items guesses badly.
    """
    n_touched = 0
    ahead = np.int64(0)
    for start in range(0, len(users), _AHEAD):
        stop = min(start + _AHEAD, len(users))
        for event in range(start, stop):
            ahead += items[near[event, 0]] + items[near[event, 1] - 1]
        for event in range(start, stop):
            user = users[event]
            stamp = np.int64(user + 1) << 32
            n_larger = 0
            for place in range(near[event, 0], near[event, 1]):
                larger[n_larger] = items[place]
                n_larger += items[place] > item
            for other in larger[:n_larger]:
                cell = cells[other]
                touched[n_touched] = other
                n_touched += cell == 0  # no branch: whether a pair is new cannot be predicted
                cells[other] = stamp | ((cell & 0xFFFFFFFF) + ((cell >> 32) != user + 1))
    larger[0] = ahead  # without a use the compiler would drop the reads
    return n_touched


@njit(nogil=True, cache=True)
def _decay(item, users, places, near, items, ages, half_lives, best, sums):  # type: ignore[no-untyped-def]
    """Add to `sums`, per larger item, each user's largest weight; `best` is all zero before and after."""
    for event, user in enumerate(users):
        own = ages[places[event]]
        for place in range(near[event, 0], near[event, 1]):
            other = items[place]
            if other > item:
                weight = np.exp2(-abs(own - ages[place]) / half_lives.gap - min(own, ages[place]) / half_lives.age)
                if weight > best[other]:
                    sums[other] += weight - best[other]
                    best[other] = weight
        if event + 1 < len(users) and users[event + 1] == user:
            continue
        first = event
        while first > 0 and users[first - 1] == user:
            first -= 1
        for seen in range(first, event + 1):
            for place in range(near[seen, 0], near[seen, 1]):
                best[items[place]] = 0.0


@njit(nogil=True, cache=True)
def _invert(offsets, items, low, high):  # type: ignore[no-untyped-def]
    """Users and positions of every event of the items in [low, high), grouped by item, users ascending."""
    starts = np.zeros(high - low + 2, np.int64)
    for item in items:
        if low <= item < high:
            starts[item - low + 2] += 1
    starts = np.cumsum(starts)
    users, places = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int64)
    user, span = 0, np.uint32(high - low)
    for place in range(len(items)):
        own = np.uint32(items[place] - low)  # below `low` wraps around, so that one comparison decides
        if own < span:
            while offsets[user + 1] <= place:
                user += 1
            at = starts[own + 1]
            users[at], places[at] = user, place
            starts[own + 1] = at + 1
    return starts[:-1], users, places


@njit(nogil=True, cache=True)
def _grown(array, used, size):  # type: ignore[no-untyped-def]
    grown = np.empty(size, array.dtype)
    grown[:used] = array[:used]
    return grown
