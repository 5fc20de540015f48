"""Counts that are brought up to date: what changed users had is taken off, what they have now is put on.

Every observed pair is in a base, since a pair below `min_support` today may reach it tomorrow.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from sidflow.pairs.count import Counts, count_pairs
from sidflow.pairs.log import Log, frozen

logger = logging.getLogger(__name__)

RECOUNT_SHARE = 0.3
"""Above this share of events in changed histories, counting all of them anew is the faster way."""


class Base(NamedTuple):
    """A log and all pairs that it has."""

    user_ids: pa.Array  # (u,) string, ascending by bytes
    item_ids: pa.Array  # (N,) string
    log: Log
    keys: np.ndarray  # (m,) int64, a * 2^32 + b, ascending
    support: np.ndarray  # (m,) int32


def update_counts(base: Base, user_ids: pa.Array, item_ids: pa.Array, log: Log) -> Base | None:
    """The base of a new log, from that of an earlier one; None where a recount is the better way.

    Exactly what a count of the whole log gives: users who are new, gone or have another history (also because a k-core
    let an item go) are counted, all others are not looked at again.

    Args:
        base: Counted under the same window, gaps and cap.
        user_ids: (u,) string, ascending by bytes.
        item_ids: (N,) string, the catalogue's ids by index.
        log: The events.
    """
    known = _positions(base.item_ids, item_ids)
    n_new = len(item_ids)
    gone = known < 0
    if (np.diff(known[~gone]) < 0).any():
        return None  # the order of the items that stayed has changed
    index = np.where(gone, n_new + np.cumsum(gone) - 1, known).astype(
        np.int32
    )  # items that are gone: behind all others
    old = base.log._replace(items=index[base.log.items])
    same_old, same_new = _unchanged(
        frozen(_positions(base.user_ids, user_ids)),
        *(frozen(each) for each in (old.offsets, old.items, old.back, log.offsets, log.items, log.back)),
    )
    before, after = _only(old, ~same_old), _only(log, ~same_new)
    if len(before.items) + len(after.items) > RECOUNT_SHARE * (len(old.items) + len(log.items)):
        return None
    n_items = n_new + int(gone.sum())
    minus, plus = count_pairs(before, n_items), count_pairs(after, n_items)
    keys, support = _merged(_moved(base, index), minus, plus)
    logger.info(
        "pairs: %d of %d histories changed; %d of %d events counted again",
        int((~same_new).sum()), len(same_new), len(after.items), len(log.items),
    )  # fmt: skip
    return Base(user_ids, item_ids, log, keys, support)


def join_counts(user_ids: pa.Array, item_ids: pa.Array, log: Log, parts: Sequence[Counts]) -> Base:
    """The base of a log whose item ranges were counted apart, in ascending order and with a `min_support` of 1."""
    keys = np.concatenate([_packed(part.a, part.b) for part in parts])
    return Base(user_ids, item_ids, log, keys, np.concatenate([part.support for part in parts]))


def counts_of(base: Base, min_support: int) -> Counts:
    """What `count_pairs` over the whole catalogue gives, from the base."""
    margins, tokens, enough = _totals(frozen(base.keys), frozen(base.support), len(base.item_ids), min_support)
    keys = base.keys[enough]
    return Counts(
        a=(keys >> 32).astype(np.int32),
        b=(keys & 0xFFFFFFFF).astype(np.int32),
        support=base.support[enough],
        decayed=np.empty(0, np.float32),
        margins=margins,
        tokens=tokens,
        observed=len(base.keys),
    )


def _positions(ids: pa.Array, among: pa.Array) -> np.ndarray:
    """Where each id stands among others, or -1, int64."""
    found = pc.fill_null(pc.index_in(ids, value_set=among), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


def _packed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(a.astype(np.int64) << 32 | b)


def _moved(base: Base, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keys and support of the base under new item indices, ascending again."""
    if (index == np.arange(len(index))).all():
        return base.keys, base.support
    a, b = index[base.keys >> 32], index[base.keys & 0xFFFFFFFF]
    keys = _packed(np.minimum(a, b), np.maximum(a, b))
    order = np.argsort(keys, kind="stable")
    return keys[order], base.support[order]


def _merged(known: tuple[np.ndarray, np.ndarray], minus: Counts, plus: Counts) -> tuple[np.ndarray, np.ndarray]:
    """Known support less what was taken off plus what was put on; pairs that nobody has any more are dropped."""
    change = np.concatenate((_packed(plus.a, plus.b), _packed(minus.a, minus.b)))
    by = np.concatenate((plus.support, -minus.support))
    changed, where = np.unique(change, return_inverse=True)
    by = np.bincount(where, by, len(changed)).astype(np.int64)
    keys, support = (frozen(each) for each in known)
    merged: tuple[np.ndarray, np.ndarray] = _merge(keys, support, changed, by)
    return merged


def _only(log: Log, chosen: np.ndarray) -> Log:
    """The log of the chosen users."""
    lengths = np.diff(log.offsets)
    events = np.repeat(chosen, lengths)
    offsets = np.concatenate(([0], np.cumsum(lengths[chosen])))
    back, ahead = (each[events] if len(each) else each for each in (log.back, log.ahead))
    return log._replace(offsets=offsets, items=log.items[events], back=back, ahead=ahead, ages=log.ages[:0])


@njit(nogil=True, cache=True)
def _unchanged(pairing, offsets, items, back, new_offsets, new_items, new_back):  # type: ignore[no-untyped-def]
    """Users whose events and reach are as before, in both numberings; `pairing` is an old user's new number or -1."""
    before = np.zeros(len(offsets) - 1, np.bool_)
    now = np.zeros(len(new_offsets) - 1, np.bool_)
    for user, other in enumerate(pairing):
        if other < 0:
            continue
        start, size = offsets[user], offsets[user + 1] - offsets[user]
        new_start = new_offsets[other]
        if new_offsets[other + 1] - new_start != size:
            continue
        same = True
        for event in range(size):
            same = same and items[start + event] == new_items[new_start + event]
            if len(back):
                same = same and back[start + event] == new_back[new_start + event]
        before[user] = now[other] = same
    return before, now


@njit(nogil=True, cache=True)
def _merge(keys, support, changed, by):  # type: ignore[no-untyped-def]
    """Ascending keys with their support, after the changes of `changed`, ascending too; what falls to 0 is dropped."""
    size = len(keys) + len(changed)
    merged, counts = np.empty(size, np.int64), np.empty(size, np.int32)
    kept = place = 0
    for change in range(len(changed) + 1):
        key = changed[change] if change < len(changed) else np.int64(2**63 - 1)
        while place < len(keys) and keys[place] < key:
            merged[kept], counts[kept] = keys[place], support[place]
            place, kept = place + 1, kept + 1
        if change == len(changed):
            break
        count = by[change]
        if place < len(keys) and keys[place] == key:
            count += support[place]
            place += 1
        if count > 0:
            merged[kept], counts[kept] = key, count
            kept += 1
    return merged[:kept], counts[:kept]


@njit(nogil=True, cache=True)
def _totals(keys, support, n_items, least):  # type: ignore[no-untyped-def]
    """Margins (N,), tokens, and the places of pairs with at least `least`, in one pass."""
    margins = np.zeros(n_items, np.int64)
    enough = np.empty(len(keys), np.int64)
    tokens = kept = 0
    for place in range(len(keys)):
        count = support[place]
        margins[keys[place] >> 32] += count
        margins[keys[place] & 0xFFFFFFFF] += count
        tokens += count
        enough[kept] = place
        kept += count >= least
    return margins, tokens, enough[:kept]
