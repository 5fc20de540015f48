"""What a column looks like: the facts that guesses rest on, none of which is its name."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.sources import TimestampUnit, as_numbers, detect_unit, is_vector, parse_timestamps

_LOOKED_AT = 2_000
_EARLIEST_NUMBER_US = 631_152_000_000_000  # 1990: small numbers such as ids and years are no times
_DAY_US = 86_400_000_000
_SHOWN_CHARACTERS = 24
_NO_TEXT = re.compile(r"^(https?://|www\.|[\[{]|data:|[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4})")


class Times(NamedTuple):
    """Values read as times: by which unit, which share of them, from when to when, and whether all are midnights."""

    unit: TimestampUnit
    share: float
    earliest_us: int
    latest_us: int
    whole_days: bool


@dataclass(frozen=True)
class Column:
    """A column of a sample: n rows as text, null where blank, or vectors."""

    name: str
    values: pa.Array

    @property
    def is_vector(self) -> bool:
        """Whether it holds lists of numbers."""
        return is_vector(self.values.type)

    @cached_property
    def filled(self) -> float:
        """Share of rows with a value."""
        return float(1 - self.values.null_count / len(self.values))

    @cached_property
    def codes(self) -> npt.NDArray[np.int64]:
        """(n,) the number of each row's value among the distinct ones; -1 where blank."""
        encoded = self.values.dictionary_encode()
        return np.asarray(pc.fill_null(encoded.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False))

    @cached_property
    def distinct(self) -> int:
        """Distinct values."""
        return int(self.codes.max(initial=-1)) + 1

    @property
    def uniqueness(self) -> float:
        """Distinct values over rows that have one."""
        return float(self.distinct / max(len(self.values) - self.values.null_count, 1))

    @cached_property
    def looked_at(self) -> pa.Array:
        """Up to 2,000 values, spread over the sample."""
        values = self.values.drop_null()
        return values.take(pa.array(range(0, len(values), max(len(values) // _LOOKED_AT, 1)), pa.int64()))

    @cached_property
    def numbers(self) -> npt.NDArray[np.float64]:
        """The numbers among the values looked at."""
        return np.asarray(as_numbers(self.looked_at).drop_null().to_numpy(zero_copy_only=False), np.float64)

    @property
    def numeric(self) -> float:
        """Share of the values looked at that are numbers."""
        return len(self.numbers) / max(len(self.looked_at), 1)

    @property
    def fractional(self) -> bool:
        """Whether some numbers are not whole."""
        return bool((self.numbers != np.floor(self.numbers)).any())

    @cached_property
    def words(self) -> float:
        """Mean number of words of a value."""
        return 0.0 if self.is_vector else _mean(pc.add(pc.count_substring(self.looked_at, " "), 1))

    @cached_property
    def length(self) -> float:
        """Mean length of a value, characters."""
        return 0.0 if self.is_vector else _mean(pc.utf8_length(self.looked_at))

    @cached_property
    def is_prose(self) -> bool:
        """Whether it reads as text: letters in most values, no addresses, UUIDs, JSON, numbers or times."""
        if self.is_vector or not len(self.looked_at) or self.times is not None:
            return False
        letters = pc.mean(pc.match_substring_regex(self.looked_at, r"\p{L}{2}").cast(pa.float64())).as_py()
        odd = sum(bool(_NO_TEXT.match(each)) for each in self.looked_at.to_pylist()) / len(self.looked_at)
        return bool(letters >= 0.5 and odd < 0.5 and self.numeric < 0.5)

    @cached_property
    def times(self) -> Times | None:
        """The values as times, if most of them are: ISO 8601, or numbers that lie between 1990 and 2100."""
        if self.is_vector or not len(self.looked_at):
            return None
        unit = detect_unit(self.looked_at)
        if unit is None:
            return None
        us = parse_timestamps(self.looked_at, unit, same_magnitude=True).microseconds
        if unit != "iso8601":
            us = us.filter(pc.greater_equal(us, _EARLIEST_NUMBER_US), null_selection_behavior="emit_null")
        found = us.drop_null().to_numpy()
        share = len(found) / len(self.looked_at)
        if share < 0.5:
            return None
        return Times(unit, share, int(found.min()), int(found.max()), bool((found % _DAY_US == 0).all()))

    @property
    def examples(self) -> str:
        """Two values, for comments and messages; control characters and great length do not get through."""
        if self.is_vector:
            lengths = pc.list_value_length(self.values.drop_null())
            return f"vectors of {lengths[0].as_py() if len(lengths) else 0} numbers"
        return ", ".join(shown(each) for each in list(dict.fromkeys(self.looked_at[:50].to_pylist()))[:2]) or "no value"


def profile(table: pa.Table) -> list[Column]:
    """The columns of a sample, those without any value left out."""
    columns = [Column(name, _cleaned(table[name])) for name in table.column_names]
    return [each for each in columns if len(each.values) and each.values.null_count < len(each.values)]


def pairs(a: Column, b: Column) -> int:
    """Distinct pairs of values of two columns in one row, rows with a blank left out."""
    both = (a.codes >= 0) & (b.codes >= 0)
    return len(np.unique(a.codes[both] * (b.distinct + 1) + b.codes[both]))


def determines(a: Column, b: Column) -> bool:
    """Whether a value of `a`, seen more than once, nearly always comes with the same value of `b`."""
    repeats = a.distinct < 0.9 * len(a.values)
    return repeats and a.distinct > 1 and pairs(a, b) <= 1.05 * a.distinct


def shown(value: Any) -> str:
    """A value of the data as one short printable word of a message."""
    text = str(value)
    text = text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."
    return f"'{text}'" if text.isprintable() else ascii(text)


def _cleaned(column: pa.ChunkedArray) -> pa.Array:
    column = column.combine_chunks()
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if not pa.types.is_string(column.type):
        return column
    text = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(text, ""), None, text)


def _mean(values: Any) -> float:
    return float(pc.mean(values).as_py() or 0)
