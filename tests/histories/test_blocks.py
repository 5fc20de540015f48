"""Blocks of users: everybody once, in order, without copies."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sidflow.histories import Histories
from sidflow.histories.blocks import user_blocks


def histories(lengths: list[int]) -> Histories:
    """Users with so many events each, which number themselves."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    events, users = int(offsets[-1]), len(lengths)
    return Histories(
        pa.array([f"u{k}" for k in range(users)], pa.string()),
        offsets,
        np.arange(events, dtype=np.int32),
        np.arange(events, dtype=np.int64),
        np.array(lengths, np.int32),
        np.zeros(users, np.int32),
        pa.array([f"i{k}" for k in range(events)], pa.string()),
    )


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 30))
def test_every_user_once(lengths: list[int], most: int) -> None:
    """The blocks side by side are the whole, and none is larger than asked unless one user is."""
    whole = histories(lengths)
    blocks = list(user_blocks(whole, most))
    assert [user for block in blocks for user in block.user_ids.to_pylist()] == whole.user_ids.to_pylist()
    assert [int(item) for block in blocks for item in block.items] == whole.items.tolist()
    assert [int(n) for block in blocks for n in np.diff(block.offsets)] == lengths
    assert all(block.offsets[0] == 0 for block in blocks)
    assert all(len(block.user_ids) == 1 or max(len(block.items), len(block.user_ids)) <= most for block in blocks)


def test_events_are_views() -> None:
    """A block holds the log's own memory."""
    whole = histories([3, 3, 3])
    assert all(np.shares_memory(block.items, whole.items) for block in user_blocks(whole, 4))


def test_a_small_log_is_one_block() -> None:
    """Nothing is cut that fits."""
    (block,) = user_blocks(histories([5, 0, 4]))
    assert block.n_train.tolist() == [5, 0, 4]
