"""How often one item followed another."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidflow.decoder.successions import count_successions
from sidflow.histories.table import Histories


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 4), min_size=1, max_size=7), st.integers(0, 7)), min_size=1, max_size=6),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([1, 4, 100]),
)
def test_counts_are_those_of_a_double_loop(users: list[tuple[list[int], int]], lag: int, events: int) -> None:
    """Training prefixes alone, within one user, for any size of block."""
    rows, train = [items for items, _ in users], [min(known, len(items)) for items, known in users]
    expected = np.zeros((5, 5), np.int32)
    for items, known in zip(rows, train, strict=True):
        for before, after in zip(items[:known], items[lag:known], strict=False):
            expected[before, after] += 1
    assert (count_successions(histories(rows, train), lag, events).toarray() == expected).all()


@pytest.mark.parametrize("lag", [1, 2])
def test_nobody_followed_anybody(lag: int) -> None:
    """Users of one event."""
    assert count_successions(histories([[1], [2]], [1, 1]), lag).nnz == 0


def histories(rows: list[list[int]], train: list[int]) -> Histories:
    """Users with these items, of which the first so many are for training."""
    lengths = np.array([len(row) for row in rows])
    return Histories(
        user_ids=pa.array([f"u{user}" for user in range(len(rows))]),
        offsets=np.concatenate([[0], np.cumsum(lengths)]),
        items=np.concatenate([np.array(row, np.int32) for row in rows]),
        timestamps=np.zeros(lengths.sum(), np.int64),
        n_train=np.array(train, np.int32),
        n_validation=np.zeros(len(rows), np.int32),
        item_ids=pa.array([f"i{item}" for item in range(5)]),
    )
