"""Baselines against naive oracles."""

import itertools
import tracemalloc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.decoder.baselines import (
    count_transitions,
    popularity,
    popularity_places,
    transition_ranks,
    unseen_ranks,
)
from sidflow.decoder.ranking import measured_contexts
from sidflow.histories.table import Histories
from tests.decoder.worlds import histories_by_hand


def test_popularity_counts_training_events_only() -> None:
    """Validation and test events do not make an item popular."""
    histories = histories_by_hand([[0, 0, 1, 2], [0, 1]], n_train=[2, 2], n_validation=[1, 0], items=4)
    assert popularity(histories).tolist() == [3, 1, 0, 0]


def test_popularity_ranks_literal() -> None:
    """Ties go to the lower index."""
    histories = histories_by_hand([[1, 1, 0, 3], [2, 1, 2]], n_train=[2, 1], n_validation=[1, 1], items=4)
    targets = histories.items[measured_contexts(histories).ends]
    assert popularity_places(popularity(histories))[targets].tolist() == [4, 2]


def test_transitions_stay_inside_a_user() -> None:
    """The last item of one user is not followed by the first of the next."""
    histories = histories_by_hand([[0, 1], [2], [], [3, 0]], n_train=[2, 1, 0, 2], n_validation=[0] * 4, items=4)
    counts = count_transitions(histories).counts.toarray()
    assert np.argwhere(counts).tolist() == [[0, 1], [3, 0]]


@st.composite
def small_histories(draw: st.DrawFn) -> Histories:
    """Histories of up to 6 users over 6 items, split last-out."""
    rows = draw(st.lists(st.lists(st.integers(0, 5), max_size=9), min_size=1, max_size=6))
    n_train = [len(row) - 2 if len(row) >= 3 else len(row) for row in rows]
    return histories_by_hand(rows, n_train, [int(len(row) >= 3) for row in rows], items=6)


@settings(deadline=None)  # the first example compiles
@given(small_histories())
def test_transition_ranks_equal_a_full_sort(histories: Histories) -> None:
    """Counting who stands ahead gives the place in a full sort by (count, popularity, index)."""
    contexts = measured_contexts(histories)
    last, targets = histories.items[contexts.ends - 1], histories.items[contexts.ends]
    counts = np.zeros((6, 6), int)
    popular = np.zeros(6, int)
    for row, n in zip(np.split(histories.items, histories.offsets[1:-1]), histories.n_train, strict=True):
        for item in row[:n]:
            popular[item] += 1
        for before, after in itertools.pairwise(row[:n]):
            counts[before, after] += 1
    expected = [
        1 + sorted(range(6), key=lambda item, b=before: (-counts[b, item], -popular[item], item)).index(target)
        for before, target in zip(last, targets, strict=True)
    ]
    assert transition_ranks(count_transitions(histories), last, targets).tolist() == expected


@settings(deadline=None)  # the first example compiles
@given(small_histories(), st.booleans())
def test_unseen_ranks_equal_a_list_without_the_context(histories: Histories, counted: bool) -> None:
    """The place in the list once the context's items are taken out; nowhere if the target is one of them."""
    contexts, transitions = measured_contexts(histories), count_transitions(histories)
    transitions = transitions if counted else transitions.popularity_alone()
    counts, expected = transitions.counts.toarray(), []
    for start, end in zip(contexts.starts, contexts.ends, strict=True):
        order = np.lexsort((transitions.places, -counts[histories.items[end - 1]])).tolist()
        left = [item for item in order if item not in histories.items[start:end]]
        target = histories.items[end]
        expected.append(left.index(target) + 1 if target in left else 0)
    assert unseen_ranks(transitions, histories.items[contexts.ends - 1], histories, contexts).tolist() == expected


def test_ranks_take_no_room_for_what_followed() -> None:
    """300 histories of 60 among 200 items: 2.5 million successors of newest items by what was seen, none held."""
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 200, (300, 60)).tolist()
    histories = histories_by_hand(rows, [58] * 300, [1] * 300, 200)
    contexts, transitions = measured_contexts(histories), count_transitions(histories)
    last = histories.items[contexts.ends - 1]
    first = unseen_ranks(transitions, last, histories, contexts)  # compiles
    tracemalloc.start()
    try:
        again = unseen_ranks(transitions, last, histories, contexts)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert first.max() > 50 and np.array_equal(first, again)
    assert peak < 1 << 20
