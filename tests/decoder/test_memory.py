"""What training histories remember, by hand and against a double loop."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.decoder.memory import (
    FADE,
    RECENT,
    Memory,
    build_memory,
    followed_items,
    load_memory,
    recall_features,
    save_memory,
    strongest_partners,
)
from sidflow.histories.table import Histories
from sidflow.pairs.table import Pairs
from tests.decoder.worlds import histories_by_hand

N = 6


def pairs_of(rows: list[tuple[int, int, float, bool]]) -> Pairs:
    """Pairs (a, b, weight, held out); what the memory does not read is made up."""
    a, b, weight, heldout = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.zeros(0),) * 4
    ones = np.ones(len(a))
    return Pairs(
        a.astype(np.int32),
        b.astype(np.int32),
        ones.astype(np.int32),
        ones,
        ones,
        ones,
        ones > 0,
        weight.astype(np.float32),
        heldout.astype(bool),
    )


def whole(rows: list[list[int]]) -> Histories:
    """Everything is for training."""
    return histories_by_hand(rows, [len(row) for row in rows], [0] * len(rows), N)


def recall(memory: Memory, history: list[int], candidates: list[int]) -> np.ndarray:
    """Features of one history's candidates."""
    padded = np.array([[*history, 0, 0]])
    return recall_features(memory, padded, np.array([len(history)]), np.array([candidates]))[0]


def test_by_hand():
    """Item 0 was followed twice by 1 and once by 2; 3 came two after 0 once; 0 and 4 are a mined pair of weight 3."""
    memory = build_memory(whole([[0, 1, 3], [0, 1], [0, 2]]), pairs_of([(0, 4, 3.0, False)]))
    found = recall(memory, [0], [1, 2, 3, 4, 0])
    assert found[:, 0] == pytest.approx(np.log1p([2, 1, 0, 0, 0]))
    assert found[:, 1] == pytest.approx([2 / 3, 1 / 3, 0, 0, 0])
    assert found[:, 3].tolist() == [0, 0, 0, 3, 0]
    assert found[:, 4].tolist() == [0, 0, 0, 0, 1]
    assert recall(memory, [0, 5], [3, 4])[:, 2] == pytest.approx(np.log1p([1, 0]))
    assert recall(memory, [0, 5], [4])[0, 3] == pytest.approx(3.0 * FADE)


def test_held_out_pairs_are_not_remembered():
    """They measure what the memory must not know."""
    memory = build_memory(whole([[0, 1]]), pairs_of([(0, 4, 3.0, True)]))
    assert recall(memory, [0], [4])[0, 3] == 0


def test_measured_events_are_not_remembered():
    """The successions of validation and test events."""
    memory = build_memory(histories_by_hand([[0, 1, 2, 3]], [2], [1], N), pairs_of([]))
    assert recall(memory, [1], [2]).max() == 0
    assert recall(memory, [0], [1])[0, 0] == pytest.approx(np.log(2))


def test_sorting_in_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of one entry, of three, of all; rows of many entries, of none, and the last one empty."""
    rng = np.random.default_rng(0)
    log = whole([rng.integers(0, 5, 12).tolist() for _ in range(20)])
    whole_memory = build_memory(log, pairs_of([]), most=3)
    for entries in (1, 3):
        monkeypatch.setattr("sidflow.decoder.memory.ENTRIES", entries)
        parts = build_memory(log, pairs_of([]), most=3)
        for name in ("followers", "skips", "partners"):
            pairs = zip(getattr(whole_memory, name), getattr(parts, name), strict=True)
            assert all(np.array_equal(*each) for each in pairs)


def test_only_the_most_frequent_followers_are_kept():
    """Two per item, ties to the lower index; shares are of all that followed."""
    memory = build_memory(whole([[0, 1], [0, 2], [0, 3], [0, 3]]), pairs_of([]), most=2)
    assert recall(memory, [0], [1, 2, 3])[:, 1] == pytest.approx([0.25, 0.0, 0.5])


def test_a_saved_memory_is_the_same(tmp_path: Path):
    """Every array."""
    memory = build_memory(whole([[0, 1, 2], [3, 1]]), pairs_of([(0, 4, 3.0, False)]))
    save_memory(memory, tmp_path)
    found = load_memory({"memory.safetensors": tmp_path / "memory.safetensors"})
    assert np.array_equal(found.departures, memory.departures)
    for name in ("followers", "skips", "partners"):
        assert all(np.array_equal(x, y) for x, y in zip(getattr(found, name), getattr(memory, name), strict=True))


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, N - 1), min_size=1, max_size=9), min_size=1, max_size=6),
    st.lists(st.integers(0, N - 1), min_size=1, max_size=9),
    st.dictionaries(st.tuples(st.integers(0, 2), st.integers(3, N - 1)), st.integers(1, 4)),
)
def test_equals_the_double_loop(rows: list[list[int]], history: list[int], mined: dict[tuple[int, int], int]):
    """Every feature of every item."""
    memory = build_memory(whole(rows), pairs_of([(a, b, float(w), False) for (a, b), w in mined.items()]))
    found = recall(memory, history, list(range(N)))
    steps = [(x, y) for row in rows for x, y in pairwise(row)]
    leaps = [(x, y) for row in rows for x, y in zip(row, row[2:], strict=False)]
    left = sum(x == history[-1] for x, _ in steps)
    for item in range(N):
        came = steps.count((history[-1], item))
        skipped = leaps.count((history[-2], item)) if len(history) > 1 else 0
        near = history[::-1][:RECENT]
        partner = sum(FADE**lag * mined.get((min(x, item), max(x, item)), 0) for lag, x in enumerate(near))
        expected = [np.log1p(came), came / max(left, 1), np.log1p(skipped), partner, float(item in history)]
        assert found[item] == pytest.approx(expected, rel=1e-5)


def test_nothing_to_remember():
    """No pair of events at all."""
    memory = build_memory(whole([[0]]), pairs_of([]))
    assert recall(memory, [1], [0, 1]).tolist() == [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1]]


def test_strongest_partners_by_hand():
    """The heaviest pair with one of the five newest items; ties to the newer; none where nothing was mined."""
    memory = build_memory(
        whole([[0, 1]]), pairs_of([(0, 4, 3.0, False), (1, 4, 2.0, False), (2, 4, 3.0, False), (0, 3, 1.0, False)])
    )
    histories = np.array([[0, 1, 2, 1, 1, 1, 1], [0, 1, 2, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]])
    items = np.array([[4, 3], [4, 3], [4, -1]])
    found = strongest_partners(memory, histories, np.array([7, 3, 1]), items)
    assert found.tolist() == [[2, -1], [2, 0], [1, -1]]


def test_followed_items_by_hand():
    """The newest item where the item came next, else the newest but one where it came two later; else none."""
    memory = build_memory(whole([[0, 1, 3], [0, 2]]), pairs_of([(0, 4, 3.0, False)]))
    histories = np.array([[0, 1, 0], [1, 0, 0], [5, 0, 2], [0, 0, 0]])
    items = np.array([[3, 2, 4], [1, 2, 3], [3, 0, -1], [1, 2, 4]])
    found = followed_items(memory, histories, np.array([2, 2, 3, 1]), items)
    assert found.tolist() == [[1, -1, -1], [0, 0, -1], [0, -1, -1], [0, 0, -1]]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, N - 1), min_size=1, max_size=9), min_size=1, max_size=6),
    st.lists(st.integers(0, N - 1), min_size=1, max_size=9),
)
def test_what_is_named_as_followed_is_what_the_rescorer_looks_at(rows: list[list[int]], history: list[int]):
    """An item is named exactly where one of the two features of successions is above zero."""
    memory = build_memory(whole(rows), pairs_of([]))
    features = recall(memory, history, list(range(N)))
    found = followed_items(memory, np.array([history]), np.array([len(history)]), np.arange(N)[None])[0]
    before = history[-2] if len(history) > 1 else -1
    expected = [history[-1] if next_ else before if later else -1 for next_, _, later, *_ in features.tolist()]
    assert found.tolist() == expected
