"""What any decoder must beat: popularity, and the transitions from the last item. Both rank the whole catalogue."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sidflow.decoder.ranking import Contexts
from sidflow.decoder.successions import count_successions
from sidflow.histories.blocks import user_blocks
from sidflow.histories.table import Histories, training_events


def popularity(histories: Histories) -> np.ndarray:
    """Training events of every item, (N,) int64; a log is read in blocks, never copied whole."""
    counts = np.zeros(len(histories.item_ids), np.int64)
    for block in user_blocks(histories):
        counts += np.bincount(training_events(block)[1], minlength=len(counts))
    return counts


def popularity_places(counts: np.ndarray) -> np.ndarray:
    """Place of every item by training events, most first, from 1, (N,) int64; ties go to the lower index."""
    places = np.empty(len(counts), np.int64)
    places[np.argsort(-counts, kind="stable")] = np.arange(1, len(counts) + 1)
    return places


class Transitions(NamedTuple):
    """How often an item followed another in training histories: `counts` (N, N) CSR, `places` by popularity (N,)."""

    counts: sparse.csr_array
    places: np.ndarray


def unseen_ranks(
    rank: Callable[[np.ndarray, np.ndarray], np.ndarray], histories: Histories, contexts: Contexts
) -> np.ndarray:
    """Rank of each context's target among the items that its context does not hold, (c,) int64; 0 where it does.

    Where nobody takes an item twice this is the fairer baseline: a decoder may learn it, a count cannot.

    Args:
        rank: Ranks from 1 of items (m,) after the contexts of given numbers (m,).
        histories: All events.
        contexts: c of them.
    """
    count, size = len(contexts.users), len(histories.item_ids)
    lengths = contexts.ends - contexts.starts
    number = np.repeat(np.arange(count), lengths)
    event = np.arange(len(number)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + contexts.starts[number]
    number, seen = np.divmod(np.unique(number * size + histories.items[event]), size)
    targets = histories.items[contexts.ends].astype(np.int64)
    own = rank(np.arange(count), targets)
    ahead = rank(number, seen) < own[number]
    ranks = own - np.bincount(number[ahead], minlength=count)
    ranks[number[seen == targets[number]]] = 0
    return np.asarray(ranks, np.int64)


def count_transitions(histories: Histories) -> Transitions:
    """Immediate successions inside every user's training prefix."""
    return Transitions(count_successions(histories), popularity_places(popularity(histories)))


def transition_ranks(transitions: Transitions, last: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Rank of each target among successors of the last item, then by popularity; (c,) int64 from 1.

    Items that followed come first, by count and then popularity; all others follow by popularity. The rank is
    counted, not sorted: one more than the items that stand before the target.

    Args:
        transitions: What followed what.
        last: Newest item of each context, (c,).
        targets: What came next, (c,).
    """
    counts, places = transitions
    sizes = np.diff(counts.indptr)[last].astype(np.int64)
    row = np.repeat(np.arange(len(last)), sizes)
    entry = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + counts.indptr[last][row]
    successor, count = counts.indices[entry], counts.data[entry]
    is_target = successor == targets[row]
    own = np.zeros(len(last), count.dtype)
    own[row[is_target]] = count[is_target]
    popular = places[successor] < places[targets][row]
    ahead = (count > own[row]) | ((count == own[row]) & popular)
    ranks = 1 + np.bincount(row[ahead], minlength=len(last))
    followers_behind = np.bincount(row[popular], minlength=len(last))
    unseen_ahead = places[targets] - 1 - followers_behind
    return np.where(own > 0, ranks, ranks + unseen_ahead).astype(np.int64)
