"""Values of any type as text."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidflow.errors import DataContractError
from sidflow.sources import as_ids, as_numbers, as_text, is_blank, is_vector


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array(["007", None]), ["007", None]),
        (pa.array([7, None], pa.uint64()), ["7", None]),
        (pa.array([12.0, None]), ["12", None]),
        (pa.array(["a", "a"]).dictionary_encode(), ["a", "a"]),
        (pa.array(["x"], pa.large_string()), ["x"]),
        (pa.nulls(1), [None]),
        (pa.chunked_array([["a"], ["b"]]), ["a", "b"]),
    ],
)
def test_ids(column: Any, text: list[str | None]) -> None:
    """Whatever holds ids, they become their exact text."""
    assert as_ids(column, "x").to_pylist() == text and as_ids(column, "x").type == pa.string()


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integer_ids_are_exact(ids: list[int]) -> None:
    """64-bit ids never pass through a float."""
    assert as_ids(pa.array(ids, pa.int64()), "x").to_pylist() == [str(each) for each in ids]


@pytest.mark.parametrize("value", [12.5, 2.0**60, float("inf")])
def test_float_ids_that_are_no_integers_are_refused(value: float) -> None:
    """A fraction is no id, and beyond 2**53 a float has lost digits."""
    with pytest.raises(
        DataContractError, match=r"a.csv: column 'u': ids are floating-point numbers such as .* Write them"
    ):
        as_ids(pa.array([1.0, None, value]), "a.csv: column 'u'")


def test_nested_ids_are_refused() -> None:
    """A list is no id."""
    with pytest.raises(DataContractError, match="ids are of type list"):
        as_ids(pa.array([[1]]), "x")


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (pa.array([1995.0, 2.5, float("nan"), 1e300]), ["1995", "2.5", None, "1e+300"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array([Decimal("1.50")]), ["1.50"]),
        (pa.array([date(2020, 1, 2)]), ["2020-01-02"]),
        (pa.array([["a", None, "b"], [], None]), ["a, b", "", None]),
        (pa.array([[["Beauty", "Face"], ["Gift"]]]), ["Beauty > Face, Gift"]),
        (pa.array([{"k": "é"}]), ['{"k": "é"}']),
    ],
)
def test_text(column: Any, text: list[str | None]) -> None:
    """Every type has a plain text."""
    assert as_text(column, "x").to_pylist() == text


def test_bytes_that_are_no_text_are_refused() -> None:
    """The message names the column."""
    with pytest.raises(DataContractError, match="column 'b': is of type binary and not UTF-8 text"):
        as_text(pa.array([b"\xff"]), "a.parquet: column 'b'")


def test_numbers() -> None:
    """Numbers in any spelling; everything else is null, NaN too."""
    column = pa.array([" 1.5 ", "-2", ".5", "1e3", "", "x", "nan", None, "1,5"])
    assert as_numbers(column).to_pylist() == [1.5, -2.0, 0.5, 1000.0, None, None, None, None, None]
    assert as_numbers(pa.array([1, None])).to_pylist() == [1.0, None]
    assert as_numbers(pa.array([float("nan"), 2.0])).to_pylist() == [None, 2.0]


def test_blank() -> None:
    """Null, empty and white space are blank."""
    assert is_blank(pa.array([None, "", " \t", "x"])).to_pylist() == [True, True, True, False]


def test_vector_types() -> None:
    """Lists of numbers of any list type are vectors; lists of words are not."""
    kinds = [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.float32(), 3), pa.list_(pa.int64())]
    assert all(map(is_vector, kinds))
    assert not is_vector(pa.list_(pa.string())) and not is_vector(pa.float64())
