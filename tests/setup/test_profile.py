"""What a column looks like."""

import pyarrow as pa
import pytest

from sidflow.setup.profile import Column, determines, pairs, profile, shown


def column(values: list[object]) -> Column:
    """A column of text as a sample has it."""
    return profile(pa.table({"c": pa.array([None if each is None else str(each) for each in values])}))[0]


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("881250949", "s"),
        ("1318896000000", "ms"),
        ("1318896000000000", "us"),
        ("2024-05-01", "iso8601"),
        ("2024-05-01 12:30:01.5+02:00", "iso8601"),
    ],
)
def test_times(value: str, unit: str) -> None:
    """Every spelling that the pipeline reads."""
    times = column([value] * 3).times
    assert times is not None and (times.unit, times.share) == (unit, 1.0)


@pytest.mark.parametrize("value", ["242", "1995", "20240501", "31.12.2024", "4.5", "x", "9999999999999999999"])
def test_no_times(value: str) -> None:
    """Ids, years, dates of other formats and other numbers are no times."""
    assert column([value] * 3).times is None


def test_day_resolution() -> None:
    """Midnights alone."""
    assert [column(each).times.whole_days for each in (["2024-05-01"], ["2024-05-01T00:00:01"])] == [True, False]  # type: ignore[union-attr]


def test_blank_is_nothing() -> None:
    """White space counts as missing, and a column of it is no column."""
    assert (column(["a", " ", None]).filled, column(["a", " ", None]).distinct) == (pytest.approx(1 / 3), 1)
    assert profile(pa.table({"c": ["", " "]})) == []


@pytest.mark.parametrize(
    ("values", "prose"),
    [
        (["red soap", "blue soap"], True),
        (["https://a.b/c"], False),
        (['{"a": 1}'], False),
        (["12", "13"], False),
        (["2024-05-01"], False),
    ],
)
def test_prose(values: list[object], prose: bool) -> None:
    """Words, not addresses, JSON, numbers or times."""
    assert column(values).is_prose is prose


def test_what_determines_what() -> None:
    """An item has one brand, a brand has many items."""
    item, brand = column([1, 2, 3, 1, 2, 3, 4, 4]), column(["x", "x", "y", "x", "x", "y", "y", "y"])
    assert pairs(item, brand) == 4
    assert determines(item, brand) and not determines(brand, item)


def test_shown_values_are_one_printable_line() -> None:
    """Line breaks and control characters are escaped, long values cut."""
    assert shown("a\nb\x1b[31m") == "'a\\nb\\x1b[31m'"
    assert len(shown("x" * 1_000)) < 30
