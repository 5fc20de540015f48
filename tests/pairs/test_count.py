"""Co-occurrence counts: literal cases, and a double loop as the oracle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.errors import ShapeError
from sidflow.pairs import log as log_module
from sidflow.pairs.count import Counts, HalfLives, count_pairs, item_ranges
from sidflow.pairs.log import Log, count_events, count_users, recent_log
from tests.pairs.naive import naive_decayed, naive_support, packed

N_ITEMS = 8
DAY = 86_400_000_000
histories_of_items = st.lists(st.lists(st.integers(0, N_ITEMS - 1), max_size=12), max_size=12)


def rows(counts: Counts) -> dict[tuple[int, int], int]:
    """Counts as a dictionary."""
    return dict(zip(zip(counts.a.tolist(), counts.b.tolist(), strict=True), counts.support.tolist(), strict=True))


def count(histories: list[list[int]], window: int, min_support: int = 1) -> Counts:
    """Counts over the whole catalogue."""
    return count_pairs(Log(*packed(histories), window), N_ITEMS, min_support)


def test_pairs_of_one_user_within_the_window():
    """Window 1 sees neighbours only."""
    assert rows(count([[3, 1, 2]], window=1)) == {(1, 2): 1, (1, 3): 1}


def test_window_reaches_exactly_that_many_positions():
    """Positions 0 and 2 are two apart."""
    assert rows(count([[3, 1, 2]], window=2)) == {(1, 2): 1, (1, 3): 1, (2, 3): 1}


def test_a_user_counts_once_per_pair():
    """Repeats of either item, in any order, add nothing."""
    assert rows(count([[0, 1, 0, 1, 1, 0]], window=3)) == {(0, 1): 1}


def test_two_users_count_twice():
    """Support is the number of users, whatever the order of the items."""
    assert rows(count([[0, 1], [1, 0], [0, 2]], window=5)) == {(0, 1): 2, (0, 2): 1}


def test_an_item_never_pairs_with_itself():
    """A history of one item repeated has no pair."""
    assert rows(count([[4, 4, 4]], window=2)) == {}


def test_histories_do_not_touch():
    """The last item of a user and the first of the next are no pair."""
    assert rows(count([[0], [1], [2, 3]], window=10)) == {(2, 3): 1}


def test_margins_and_totals_include_dropped_pairs():
    """c_i, T and the number of pairs are those before min_support."""
    counts = count([[0, 1], [0, 1], [0, 2]], window=1, min_support=2)
    assert rows(counts) == {(0, 1): 2}
    assert counts.margins.tolist() == [3, 2, 1, 0, 0, 0, 0, 0]
    assert (counts.tokens, counts.observed) == (3, 2)


@pytest.mark.parametrize("histories", [[], [[]], [[], []], [[5]], [[5], [5]]])
def test_nothing_to_pair_is_an_empty_result(histories: list[list[int]]):
    """No users, empty users and single events give empty arrays of the right type."""
    counts = count(histories, window=10)
    assert rows(counts) == {} and counts.a.dtype == counts.b.dtype == counts.support.dtype == np.int32
    assert (counts.tokens, counts.observed, counts.margins.sum()) == (0, 0, 0)


def test_empty_catalogue():
    """No items at all."""
    assert len(count_pairs(Log(np.array([0]), np.array([], np.int32), 1), 0).a) == 0


def test_more_partners_than_the_first_buffers_hold():
    """Buffers grow: one item with 3,000 partners, and 3,000 x 2,999 / 2 pairs."""
    n = 3_000
    counts = count_pairs(Log(np.array([0, n]), np.arange(n, dtype=np.int32), n), n)
    assert counts.observed == len(counts.a) == n * (n - 1) // 2
    assert counts.margins.tolist() == [n - 1] * n
    assert (counts.a[:3].tolist(), counts.b[:3].tolist()) == ([0, 0, 0], [1, 2, 3])


@settings(deadline=None)
@given(histories_of_items, st.integers(1, 13), st.integers(1, 3), st.integers(1, 12))
def test_any_partitioning_equals_the_double_loop(
    histories: list[list[int]], window: int, min_support: int, partitions: int
):
    """Rows, their order, margins and totals, for any split into item ranges."""
    expected = naive_support(histories, window)
    offsets, items = packed(histories)
    parts = [
        count_pairs(Log(offsets, items, window), N_ITEMS, min_support, each)
        for each in item_ranges(items, N_ITEMS, partitions)
    ]
    found = [row for part in parts for row in zip(*(column.tolist() for column in part[:3]), strict=True)]
    assert found == [(a, b, k) for (a, b), k in expected.items() if k >= min_support]
    margins = [sum(k for pair, k in expected.items() if item in pair) for item in range(N_ITEMS)]
    assert np.sum([part.margins for part in parts], axis=0).tolist() == margins
    assert sum(part.tokens for part in parts) == sum(expected.values())
    assert sum(part.observed for part in parts) == len(expected)


@given(st.lists(st.integers(0, N_ITEMS - 1), max_size=40), st.integers(1, 12))
def test_ranges_split_the_catalogue(items: list[int], partitions: int):
    """Ranges are non-empty, contiguous and complete."""
    ranges = item_ranges(np.array(items, np.int32), N_ITEMS, partitions)
    assert 1 <= len(ranges) <= partitions
    assert [low for low, _ in ranges] + [N_ITEMS] == [0] + [high for _, high in ranges]
    assert all(low < high for low, high in ranges)


def test_ranges_hold_equally_many_events():
    """Four events of item 0 weigh as much as the rest together."""
    assert item_ranges(np.array([0, 0, 0, 0, 1, 2, 3, 4], np.int32), 5, 2) == [(0, 1), (1, 5)]


timed_histories = st.lists(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, N_ITEMS - 1)), max_size=12).map(sorted),
    max_size=8,
)
days = st.none() | st.integers(0, 12)


@settings(deadline=None)
@given(timed_histories, st.none() | st.integers(1, 13), days, days, st.integers(1, 5))
def test_gaps_and_sessions_equal_the_double_loop(
    timed: list[list[tuple[int, int]]], window: int | None, gap: int | None, pause: int | None, partitions: int
):
    """Support and decayed support under any window, largest gap and session pause, for any partitioning."""
    offsets, items = packed([[item for _, item in history] for history in timed])
    times = np.array([day * DAY for history in timed for day, _ in history], np.int64)
    log = recent_log(offsets, items, times, 50, window, *(None if x is None else x * DAY for x in (gap, pause)), True)
    lives = HalfLives(7.0, 20.0)
    parts = [count_pairs(log, N_ITEMS, 1, each, lives) for each in item_ranges(items, N_ITEMS, partitions)]
    oracle = naive_decayed(timed, window, gap, pause, lives)
    assert {pair: k for part in parts for pair, k in rows(part).items()} == {p: k for p, (k, _) in oracle.items()}
    decayed = np.concatenate([part.decayed for part in parts])
    assert decayed.tolist() == pytest.approx([weight for _, weight in oracle.values()], rel=1e-4)


def test_a_session_ends_at_a_pause():
    """Days 0, 1, 5, 6 with a pause of at most two days: two sessions, though the user is one."""
    log = recent_log(*packed([[0, 1, 2, 1]]), np.array([0, 1, 5, 6]) * DAY, 50, session_gap_us=2 * DAY)
    assert rows(count_pairs(log, N_ITEMS)) == {(0, 1): 1, (1, 2): 1}
    assert (log.back.tolist(), log.ahead.tolist()) == ([0, 1, 0, 1], [1, 0, 1, 0])


def test_a_gap_is_between_the_two_events():
    """Days 0, 2, 4 with a gap of at most three days: neighbours only."""
    log = recent_log(*packed([[0, 1, 2]]), np.array([0, 2, 4]) * DAY, 50, max_gap_us=3 * DAY)
    assert rows(count_pairs(log, N_ITEMS)) == {(0, 1): 1, (1, 2): 1}


def test_decayed_support_by_hand():
    """One half-life of gap and one of age: a quarter; the freshest co-occurrence of a user counts."""
    times = np.array([0, 1, 8, 9]) * DAY
    log = recent_log(*packed([[0, 1, 0, 1]]), times, 50, window=1, with_ages=True)
    assert count_pairs(log, N_ITEMS, half_lives=HalfLives(1.0, np.inf)).decayed.tolist() == [0.5]
    assert count_pairs(log, N_ITEMS, half_lives=HalfLives(1.0, 8.0)).decayed.tolist() == [0.5]
    log = recent_log(*packed([[0, 1], [2]]), np.array([0, 1, 9]) * DAY, 50, with_ages=True)
    assert count_pairs(log, N_ITEMS, half_lives=HalfLives(1.0, 8.0)).decayed.tolist() == [0.25]
    assert len(count_pairs(log, N_ITEMS).decayed) == 0


def test_recent_log_keeps_the_last_events():
    """Only users above the limit are cut."""
    log = recent_log(*packed([[1, 2, 3], [], [4], [5, 6]]), np.arange(6), 2)
    assert (log.offsets.tolist(), log.items.tolist()) == ([0, 2, 2, 3, 5], [2, 3, 4, 5, 6])


def test_recent_log_copies_nothing_when_nobody_is_cut():
    """Below the limit the inputs come back."""
    offsets, items = packed([[1, 2, 3]])
    assert recent_log(offsets, items, np.arange(3), 3).items is items


def test_events_of_items(monkeypatch: pytest.MonkeyPatch):
    """Chunk by chunk as in one go."""
    items = np.array([0, 2, 2, 1, 2], np.int32)
    monkeypatch.setattr(log_module, "_CHUNK", 2)
    assert count_events(items, 4).tolist() == [1, 1, 3, 0]


def test_users_of_items():
    """Distinct users, however often an item repeats; users without events do not count."""
    users, item_users = count_users(Log(*packed([[0, 0, 1], [], [1, 0, 1]]), 1), 3)
    assert (users, item_users.tolist()) == (2, [2, 2, 0])


def test_read_only_inputs():
    """Memory-mapped histories are read-only."""
    offsets, items = packed([[0, 1]])
    offsets.setflags(write=False)
    items.setflags(write=False)
    assert rows(count_pairs(Log(offsets, items, 1), N_ITEMS)) == {(0, 1): 1}


@pytest.mark.parametrize("offsets", [[], [1, 2], [0, 1], [0, 2, 1, 2]])
def test_offsets_that_do_not_fit_are_refused(offsets: list[int]):
    """Offsets must rise from 0 to the number of events."""
    with pytest.raises(ShapeError, match=r"offsets must rise from 0 to the 2 events"):
        count_pairs(Log(np.array(offsets, np.int64), np.array([0, 1], np.int32), 1), N_ITEMS)


@pytest.mark.parametrize("item", [-1, N_ITEMS])
def test_items_outside_the_catalogue_are_refused(item: int):
    """The kernel indexes by item without checks, so the caller is checked."""
    with pytest.raises(ShapeError, match=r"item indices must lie in \[0, 8\), got"):
        count([[item, 1]], window=1)


def test_arrays_of_another_log_are_refused():
    """Reach and ages belong to the events they were made from."""
    log = Log(*packed([[0, 1]]), 1)._replace(ages=np.zeros(1, np.float32))
    with pytest.raises(ShapeError, match="ages has 1 entries for 2 events"):
        count_pairs(log, N_ITEMS)


@pytest.mark.parametrize("n_items", [2**31 - 1, 2**40])
def test_more_items_than_the_kernel_numbers_are_refused(n_items: int):
    """Before anything of that size is allocated; one less is allowed as far as numbers go."""
    log = Log(np.array([0, 2]), np.array([0, 1], np.int32), 1)
    with pytest.raises(ShapeError, match=rf"at most 2,147,483,646 items, got {n_items:,}"):
        count_pairs(log, n_items)
    log.check(2**31 - 2)


def test_item_indices_beyond_int32_are_refused():
    """They would wrap around inside the kernel."""
    with pytest.raises(ShapeError, match="item indices must be int32, got int64"):
        count_pairs(Log(np.array([0, 2]), np.array([0, 2**31 + 5]), 1), 2**31 - 2)


def test_short_gaps_in_long_logs_keep_their_weight():
    """A minute apart, twenty years ago, with a half-life of a minute: a half, though ages are counted from today."""
    years = 20 * 365 * DAY
    times = np.array([0, 60_000_000, years])
    log = recent_log(np.array([0, 2, 3]), np.array([0, 1, 2], np.int32), times, 10, with_ages=True)
    assert count_pairs(log, 3, half_lives=HalfLives(1 / 1440, np.inf)).decayed.tolist() == [pytest.approx(0.5)]


@pytest.mark.parametrize("window", [10**10, 2**62])
def test_a_window_beyond_any_history_is_the_whole_history(window: int):
    """And costs no more memory."""
    log = recent_log(np.array([0, 3]), np.array([0, 1, 2], np.int32), np.arange(3), 10, window)
    assert len(count_pairs(log, 3).a) == 3
