"""Facts of a whole table, batch by batch."""

from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sidflow.validation.tallies import Newest, OutOfOrder, SharedCodes, Tally
from tests.validation.worlds import sid_table

text = st.text("aé\U0001f600", max_size=2)


def tally(of: Tally, table: pa.Table, size: int = 2) -> object:
    """The value after all batches of a table."""
    for batch in table.to_batches(max_chunksize=size):
        of.add(batch)
    return of.value()


@given(st.lists(text, max_size=7), st.integers(1, 7))
def test_order_of_one_key(keys, size):
    """Counts steps that do not rise, by bytes, for any batches."""
    encoded = [each.encode() for each in keys]
    expected = sum(a >= b for a, b in pairwise(encoded))
    assert tally(OutOfOrder("k"), pa.table({"k": pa.array(keys, pa.string())}), size) == expected


@given(st.lists(st.tuples(text, text), max_size=7), st.integers(1, 7))
def test_order_of_two_keys(keys, size):
    """The second key decides between equal first ones."""
    encoded = [(a.encode(), b.encode()) for a, b in keys]
    expected = sum(a >= b for a, b in pairwise(encoded))
    columns = {"a": pa.array([a for a, _ in keys], pa.string()), "b": pa.array([b for _, b in keys], pa.string())}
    assert tally(OutOfOrder("a", "b"), pa.table(columns), size) == expected


def test_a_missing_key_is_out_of_order():
    """It is neither above nor below."""
    assert tally(OutOfOrder("k"), pa.table({"k": ["a", None, "b"]})) == 2


def test_newest_timestamp():
    """Over all batches; of none it is None."""
    times = pa.table({"t": pa.array([3, 9, None, 4], pa.timestamp("us", tz="UTC"))})
    assert tally(Newest("t"), times) == 9
    assert tally(Newest("t"), times.slice(0, 0)) is None


def test_shared_codes():
    """Every item after the first that has a semantic ID, across batches; broken rows are for others to tell."""
    assert tally(SharedCodes(), sid_table([[0, 1], [2, 1], [0, 1], [0, 1]]), 1) == 2
    assert tally(SharedCodes(), sid_table([[0, 1], [1], [1], [1, 0]]), 4) == 0
    assert tally(SharedCodes(), sid_table([])) == 0
