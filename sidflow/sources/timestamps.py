"""Event times of any spelling as UTC microseconds, and why not."""

from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from sidflow.sources.text import as_numbers, as_text

TimestampUnit = Literal["s", "ms", "us", "iso8601"]

MISSING = "timestamp missing"
UNPARSEABLE = "timestamp unparseable"
BEFORE_1970 = "timestamp before 1970"
OUT_OF_RANGE = "timestamp out of range"
OTHER_UNIT = "timestamp in another unit"

END_US = 4_102_444_800_000_000  # 2100-01-01; later is a mistake, such as a wrong unit
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000}
_MAGNITUDES: tuple[tuple[TimestampUnit, float], ...] = (("s", 1e11), ("ms", 1e14))  # from there on us

_MONTH_DAY = (
    r"((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))"  # no 29 February
)
_LEAP_YEAR = r"(\d\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
_DATE = rf"(\d{{4}}-{_MONTH_DAY}|{_LEAP_YEAR}-02-29)"
_TIME = r"([01]\d|2[0-3])(:[0-5]\d(:[0-5]\d(\.\d+)?)?)?"
_ZONE = r"(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)"
_ISO = rf"^{_DATE}([T ]{_TIME}{_ZONE}?)?$"


class Timestamps(NamedTuple):
    """Parsed times: (n,) int64 UTC microseconds, null where `reason` (n,) string is not."""

    microseconds: pa.Array
    reason: pa.Array


def parse_timestamps(column: Any, unit: TimestampUnit, same_magnitude: bool = False) -> Timestamps:
    """Times of one column as UTC microseconds from 1970 up to 2100.

    Args:
        column: Text, numbers, dates or Arrow timestamps; the last two carry their own unit. No zone means UTC.
        unit: What the numbers count, or `iso8601`. Fractions are rounded to microseconds, ISO ones are cut.
        same_magnitude: Refuse numbers whose magnitude speaks for another unit than `unit`.

    Returns:
        Microseconds, and for each time that is not accepted the reason.
    """
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pt.is_nested(column.type) or pt.is_duration(column.type):  # no moment, whatever numbers are inside
        column = pa.array([None if each is None else repr(each) for each in column.to_pylist()], pa.string())
    if pt.is_timestamp(column.type) or pt.is_date(column.type):
        return _bounded(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()), pc.is_null(column))
    text = _cleaned(column)
    missing = pc.fill_null(pc.equal(text, ""), True)
    if unit == "iso8601":
        return _bounded(_iso(text), missing)
    numbers = as_numbers(column)  # float64 holds every microsecond exactly up to 2**53, the year 2255
    us = pc.multiply(numbers, 1_000_000 / _PER_SECOND[unit])
    us = pc.round(pc.min_element_wise(pc.max_element_wise(us, -1.0, skip_nulls=False), float(END_US), skip_nulls=False))
    parsed = _bounded(us.cast(pa.int64()), missing)
    if not same_magnitude:
        return parsed
    readable = pc.and_(pc.greater_equal(numbers, 0), pc.less(numbers, END_US))
    other = pc.fill_null(pc.and_(readable, pc.not_equal(_magnitude(numbers), unit)), False)
    return Timestamps(pc.if_else(other, None, parsed.microseconds), pc.if_else(other, OTHER_UNIT, parsed.reason))


def detect_unit(column: Any) -> TimestampUnit | None:
    """The unit that most times of a sample are in, by magnitude; None if no time of it can be read.

    Numbers below 1e11 count seconds (until the year 5138), below 1e14 milliseconds (from 1973 on), else microseconds.
    Columns of dates or Arrow timestamps are `iso8601`.
    """
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pt.is_temporal(column.type):
        return "iso8601"
    votes: dict[TimestampUnit, int] = {
        each["values"]: each["counts"]
        for each in pc.value_counts(_magnitude(as_numbers(column))).to_pylist()
        if each["values"]
    }
    votes["iso8601"] = pc.sum(pc.match_substring_regex(_cleaned(column), _ISO)).as_py() or 0
    best = max(votes, key=lambda unit: votes[unit], default=None)
    return best if best is not None and votes[best] else None


def _bounded(us: pa.Array, missing: pa.Array) -> Timestamps:
    reason = pc.case_when(
        pc.make_struct(missing, pc.is_null(us), pc.less(us, 0), pc.greater_equal(us, END_US)),
        MISSING,
        UNPARSEABLE,
        BEFORE_1970,
        OUT_OF_RANGE,
    )
    return Timestamps(pc.if_else(pc.is_valid(reason), None, us), reason)


def _magnitude(numbers: pa.Array) -> pa.Array:
    size = pc.abs(numbers)
    names = [name for name, _ in _MAGNITUDES]
    bounds = [pc.less(size, bound) for _, bound in _MAGNITUDES]
    return pc.case_when(pc.make_struct(*bounds, pc.is_valid(size)), *names, "us")


def _iso(text: pa.Array) -> pa.Array:
    """ISO 8601 date-times as microseconds, null where they are not."""
    text = pc.if_else(pc.match_substring_regex(text, _ISO), text, None)
    text = pc.replace_substring_regex(text, r"(\.\d{6})\d+", r"\1")
    date_only = pc.equal(pc.utf8_length(text), 10)
    text = pc.if_else(date_only, pc.binary_join_element_wise(text, "T00:00:00", ""), text)
    zoned = pc.match_substring_regex(text, rf"[T ].*{_ZONE}$")
    text = pc.if_else(zoned, text, pc.binary_join_element_wise(text, "Z", ""))
    return text.cast(pa.timestamp("us", "UTC")).cast(pa.int64())


def _cleaned(column: pa.Array) -> pa.Array:
    """The column as text without outer blanks, UTC written as Z."""
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(as_text(column, "timestamp")), r"\s*(UTC|GMT)$", "Z")
