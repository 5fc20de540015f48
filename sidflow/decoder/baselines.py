"""What any decoder must beat: popularity, and the transitions from the last item. Both rank the whole catalogue."""

from typing import NamedTuple

import numpy as np
from numba import njit
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
    """What orders all items after one of r states: `counts` (r, N) CSR first, then `places` by popularity (N,).

    Counted transitions have a row an item, (N, N).
    """

    counts: sparse.csr_array
    places: np.ndarray

    def popularity_alone(self) -> "Transitions":
        """The same without counts: the order of popularity after any state."""
        return self._replace(counts=sparse.csr_array(self.counts.shape, dtype=self.counts.dtype))


def count_transitions(histories: Histories) -> Transitions:
    """Immediate successions inside every user's training prefix."""
    return Transitions(count_successions(histories), popularity_places(popularity(histories)))


def transition_ranks(transitions: Transitions, last: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Rank of each target among successors of the last item, then by popularity; (c,) int64 from 1.

    Items that followed come first, by count and then popularity; all others follow by popularity. The rank is
    counted, not sorted: one more than the items that stand before the target.

    Args:
        transitions: What followed what.
        last: Row of `counts` for each context, its newest item, (c,).
        targets: What came next, (c,).
    """
    nothing = np.zeros(len(last), np.int64)
    return _ranks(transitions, last, targets, targets, nothing, nothing)


def unseen_ranks(transitions: Transitions, last: np.ndarray, histories: Histories, contexts: Contexts) -> np.ndarray:
    """The same among the items that a context does not hold, (c,) int64; 0 where it holds the target.

    Where nobody takes an item twice this is the fairer baseline: a decoder may learn it, a count cannot.

    Args:
        transitions: What followed what.
        last: Row of `counts` for each context, (c,).
        histories: All events.
        contexts: c of them.
    """
    return _ranks(transitions, last, histories.items[contexts.ends], histories.items, contexts.starts, contexts.ends)


def _ranks(
    transitions: Transitions,
    last: np.ndarray,
    targets: np.ndarray,
    items: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
) -> np.ndarray:
    """Ranks among all items but those of the events [starts, ends), which a context holds."""
    counts, places = transitions
    rows, wanted = last.astype(np.int64), targets.astype(np.int64)
    found: np.ndarray = _count_ahead(
        counts.indptr, counts.indices, counts.data, places, rows, wanted, items, starts, ends
    )
    return found


@njit(nogil=True, cache=True)
def _count_ahead(begins, columns, values, places, rows, targets, items, starts, ends):  # type: ignore[no-untyped-def]
    """One context after another, so that only one's counts are ever held; the sparse matrix comes as its parts."""
    scores, seen_by = np.zeros(len(places), values.dtype), np.full(len(places), -1)
    ranks = np.zeros(len(rows), np.int64)
    for context in range(len(rows)):
        first, last = begins[rows[context]], begins[rows[context] + 1]
        for entry in range(first, last):
            scores[columns[entry]] = values[entry]
        target = targets[context]
        own, place = scores[target], places[target]
        rank = 1 if own > 0 else place  # what never followed stands behind what did, else by popularity
        for entry in range(first, last):
            popular = places[columns[entry]] < place
            if values[entry] > own or (values[entry] == own and popular):
                rank += 1
            if own == 0 and popular:
                rank -= 1
        for event in range(starts[context], ends[context]):
            item = items[event]
            if item == target:
                rank = 0
                break
            if seen_by[item] != context:
                seen_by[item] = context
                if scores[item] > own or (scores[item] == own and places[item] < place):
                    rank -= 1
        ranks[context] = rank
        for entry in range(first, last):
            scores[columns[entry]] = 0
    return ranks
