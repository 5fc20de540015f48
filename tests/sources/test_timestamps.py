"""Times of every spelling."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidflow.sources import TimestampUnit, detect_unit, parse_timestamps

US = 1_000_000
JAN_2020 = 1_577_836_800 * US


def parsed(values: list[Any], unit: TimestampUnit, same_magnitude: bool = False, kind: Any = None) -> list[Any]:
    """Microseconds, or the reason."""
    times = parse_timestamps(pa.array(values, kind), unit, same_magnitude)
    pairs = zip(times.microseconds.to_pylist(), times.reason.to_pylist(), strict=True)
    return [us if reason is None else reason for us, reason in pairs]


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("2020-01-01", JAN_2020),
        ("2020-01-01T00:00:00Z", JAN_2020),
        ("2020-01-01 00:00", JAN_2020),
        (" 2020-01-01 00:00:00 UTC ", JAN_2020),
        ("2020-01-01T02:00:00+02:00", JAN_2020),
        ("2019-12-31T21:30:00-0230", JAN_2020),
        ("2020-01-01T00:00:00.5", JAN_2020 + 500_000),
        ("2020-01-01T00:00:00.123456789Z", JAN_2020 + 123_456),
        ("2020-02-29", JAN_2020 + 59 * 86_400 * US),
    ],
)
def test_iso8601(text: str, microseconds: int) -> None:
    """With or without zone, time and fraction; naive is UTC."""
    assert parsed([text], "iso8601") == [microseconds]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "timestamp missing"),
        (" ", "timestamp missing"),
        ("soon", "timestamp unparseable"),
        ("2019-02-29", "timestamp unparseable"),
        ("1900-02-29", "timestamp unparseable"),
        ("2020-04-31", "timestamp unparseable"),
        ("2020-01-01T24:00:00", "timestamp unparseable"),
        ("881250949", "timestamp unparseable"),
        ("1969-12-31", "timestamp before 1970"),
        ("2100-01-01", "timestamp out of range"),
    ],
)
def test_iso8601_refused(value: str | None, reason: str) -> None:
    """One bad time is refused alone, with its reason."""
    assert parsed([value, "2020-01-01"], "iso8601", kind=pa.string()) == [reason, JAN_2020]


@given(st.datetimes(datetime(1970, 1, 2), datetime(2099, 12, 30)), st.integers(-12 * 60, 14 * 60))
def test_iso8601_equals_the_standard_library(moment: datetime, offset: int) -> None:
    """Any time in any zone is what Python makes of it."""
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    expected = (zoned - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parsed([zoned.isoformat()], "iso8601") == [expected]


@pytest.mark.parametrize(("unit", "factor"), [("s", US), ("ms", 1_000), ("us", 1)])
def test_units(unit: TimestampUnit, factor: int) -> None:
    """Text, integers and floats of one unit give the same microseconds."""
    value = JAN_2020 // factor
    for column in ([str(value)], [value], [float(value)], [f"{value}.0"]):
        assert parsed(column, unit) == [JAN_2020]


@given(st.integers(0, 4_102_444_800 * US - 1))
def test_microseconds_are_exact(value: int) -> None:
    """No time up to 2100 loses a microsecond on its way through float64."""
    assert parsed([str(value), str(value)], "us") == [value, value]
    assert parsed([value], "us") == [value]


def test_fractional_seconds() -> None:
    """Fractions count to the microsecond."""
    assert parsed(["1577836800.123456"], "s") == [JAN_2020 + 123_456]


def test_numbers_refused() -> None:
    """Negative, far-future, absurd and unreadable numbers; NaN is missing."""
    text = ["-3", "4102444800", "9" * 400, "nan", "0x5", None]
    assert parsed(text, "s") == [
        "timestamp before 1970", "timestamp out of range", "timestamp out of range",
        "timestamp unparseable", "timestamp unparseable", "timestamp missing",
    ]  # fmt: skip
    assert parsed([float("nan"), None, -1.0], "s") == [
        "timestamp missing",
        "timestamp missing",
        "timestamp before 1970",
    ]


def test_other_unit_is_refused_when_asked() -> None:
    """A second among milliseconds would silently be January 1970."""
    assert parsed([1_577_836_800_000, 1_577_836_800], "ms", same_magnitude=True) == [
        JAN_2020,
        "timestamp in another unit",
    ]
    assert parsed([1_577_836_800], "ms") == [1_577_836_800_000]


def test_typed_columns_carry_their_unit() -> None:
    """Dates and Arrow timestamps need no unit; a zone is only for display."""
    assert parsed([date(2020, 1, 1)], "s") == [JAN_2020]
    assert parsed([1_577_836_800], "iso8601", kind=pa.timestamp("s")) == [JAN_2020]
    assert parsed([1_577_836_800_000_000_001], "s", kind=pa.timestamp("ns", "America/New_York")) == [JAN_2020]
    assert parsed([None], "s", kind=pa.null()) == ["timestamp missing"]


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (["881250949", "x", ""], "s"),
        ([1_577_836_800_000, 1_577_836_800_001, 5], "ms"),
        ([1.577e15], "us"),
        (["2020-01-01", "2020-01-02T00:00Z", "7"], "iso8601"),
        (["x", None], None),
        ([], None),
    ],
)
def test_detection_takes_the_majority(values: list[Any], unit: TimestampUnit | None) -> None:
    """The magnitude of most readable times decides."""
    assert detect_unit(pa.array(values, pa.string() if not values else None)) == unit


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1_600_000_000]]),
        pa.array([{"at": 1_600_000_000}]),
        pa.array([1], pa.duration("s")),
        pa.array([1], pa.time32("s")),
    ],
    ids=["list", "struct", "duration", "time"],
)
def test_what_is_no_moment(column: pa.Array) -> None:
    """A number inside a list, or a length of time, is no time, whatever unit it would fit."""
    assert parse_timestamps(column, "s").reason.to_pylist() == ["timestamp unparseable"]
