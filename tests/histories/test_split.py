"""Splits: what may be learned from never knows the future."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sidflow.histories.split import Cuts, split_by_time, split_last_out, time_cuts

HOUR = 3_600_000_000


def test_last_out() -> None:
    """Two held out from three events on; shorter histories are all training."""
    split = split_last_out(np.array([1, 2, 3, 10]))
    assert split.n_train.tolist() == [1, 2, 1, 8] and split.n_validation.tolist() == [0, 0, 1, 1]
    assert split.n_train.dtype == np.int32 and split.n_validation.dtype == np.int32


def test_by_time() -> None:
    """Bounds belong to the later part; users may be wholly on one side."""
    offsets = np.array([0, 5, 6, 8])
    timestamps = np.array([1, 9, 10, 14, 15, 3, 15, 99])
    split = split_by_time(offsets, timestamps, Cuts(10, 15))
    assert split.n_train.tolist() == [2, 1, 0] and split.n_validation.tolist() == [2, 0, 0]


def test_cuts() -> None:
    """The holdout ends at as_of, its first half is validation."""
    assert time_cuts(100 * HOUR, "10h") == Cuts(90 * HOUR, 95 * HOUR)


@given(st.lists(st.lists(st.integers(0, 50), max_size=8), max_size=8), st.integers(0, 50), st.integers(0, 20))
def test_time_split_never_leaks_the_future(histories: list[list[int]], cut: int, length: int) -> None:
    """For every user: training is before the cut, validation from there to the middle, test after it, nothing twice."""
    offsets = np.cumsum([0, *map(len, histories)])
    timestamps = np.array([t for each in histories for t in sorted(each)], np.int64)
    n_train, n_validation = split_by_time(offsets, timestamps, Cuts(cut, cut + length))
    for user, each in enumerate(histories):
        times, first, second = sorted(each), n_train[user], n_train[user] + n_validation[user]
        assert all(t < cut for t in times[:first])
        assert all(cut <= t < cut + length for t in times[first:second])
        assert all(t >= cut + length for t in times[second:])


@given(st.lists(st.integers(0, 30), max_size=30))
def test_last_out_never_leaks_the_future(lengths: list[int]) -> None:
    """Training is a prefix, followed by at most one validation and one test event."""
    n_train, n_validation = split_last_out(np.array(lengths, np.int64))
    for length, train, validation in zip(lengths, n_train, n_validation, strict=True):
        assert 0 <= train <= length and length - train - validation == validation == (length >= 3)
