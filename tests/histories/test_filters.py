"""Filters against naive oracles."""

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sidflow.histories.events import Events
from sidflow.histories.filters import first_of_repeats, first_of_runs, k_core

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 5)), max_size=40)  # user, time, item


def events_of(rows: list[tuple[int, int, int]]) -> Events:
    """Events in the order of users and times."""
    users, times, items = (np.array([row[k] for row in rows], np.int64) for k in range(3))
    ids = pa.array([str(user) for user in range(int(users.max(initial=-1)) + 1)], pa.string())
    return Events(ids, users.astype(np.int32), items.astype(np.int32), times)


@given(ROWS)
def test_first_of_repeats(rows: list[tuple[int, int, int]]) -> None:
    """The first of equal (user, time, item) stays, also when others lie between."""
    rows = sorted(rows, key=lambda row: row[:2])
    assert first_of_repeats(events_of(rows)).tolist() == [row not in rows[:k] for k, row in enumerate(rows)]


@given(ROWS)
def test_first_of_runs(rows: list[tuple[int, int, int]]) -> None:
    """An item stays unless the same user had it just before."""
    rows = sorted(rows, key=lambda row: row[:2])
    expected = [k == 0 or (row[0], row[2]) != (rows[k - 1][0], rows[k - 1][2]) for k, row in enumerate(rows)]
    assert first_of_runs(events_of(rows)).tolist() == expected


def naive_core(rows: list[tuple[int, int, int]], min_user: int, min_item: int, cut: int) -> set[int]:
    """Positions that stay: drop one rare user or item after another until there is none."""
    old_users, old_items = ({row[k] for row in rows if row[1] < cut} for k in (0, 2))
    left = set(range(len(rows)))
    while True:
        users = Counter(rows[k][0] for k in left if rows[k][1] < cut)
        items = Counter(rows[k][2] for k in left if rows[k][1] < cut)
        rare_users = {user for user in old_users if users[user] < min_user}
        rare_items = {item for item in old_items if items[item] < min_item}
        after = {k for k in left if rows[k][0] not in rare_users and rows[k][2] not in rare_items}
        if after == left:
            return left
        left = after


@given(ROWS, st.integers(1, 4), st.integers(1, 4), st.integers(0, 8))
def test_k_core(rows: list[tuple[int, int, int]], min_user: int, min_item: int, cut: int) -> None:
    """The largest part with enough events before the cut; who is new after it stays; every fallen event is counted."""
    events = events_of(rows)
    keep, fallen = k_core(events, min_user, min_item, events.timestamps < cut)
    assert set(np.flatnonzero(keep)) == naive_core(rows, min_user, min_item, cut)
    assert sum(fallen.values()) == (~keep).sum()


def test_k_core_iterates() -> None:
    """Dropping a user makes an item rare, which makes another user rare."""
    rows = [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2), (2, 0, 2)]
    keep, fallen = k_core(events_of(rows), 2, 2)
    assert not keep.any() and fallen == {"user": 3, "item": 2}
