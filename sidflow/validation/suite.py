"""What a suite is made of: expectations about rows, and expectations about facts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sidflow.validation.engine import Columns, Rule
from sidflow.validation.tallies import Tally

Facts = Mapping[str, Any]
Limit = float | str | None
"""A number, or the name of a setting in the section's `gate`."""


@dataclass(frozen=True)
class RowCheck:
    """What must hold of every row; the rule is about one of the suite's derived columns."""

    expectation: str
    subject: str
    rule: Rule


@dataclass(frozen=True)
class FactCheck:
    """What must hold of the stage's facts.

    Attributes:
        observe: Picks the number to judge; a KeyError or None means that there is none, which fails.
        above: The minimum itself is not allowed.
        optional: Without a number there is nothing to judge, and nothing fails.
        unmeasured: Why there may be a None instead of a number; with a reason, None passes and the reason is noted.
    """

    expectation: str
    subject: str
    observe: Callable[[Facts], float | None]
    next_step: str
    minimum: Limit = None
    maximum: Limit = None
    above: bool = False
    optional: bool = False
    unmeasured: str = ""


@dataclass(frozen=True)
class RowSuite:
    """How the rows of a data set are looked at.

    Attributes:
        schema: Columns that must be there, with their types; others may be.
        columns: Numbers and words to judge, derived from a batch by Arrow and numpy.
        checks: Expectations about those columns.
        tallies: Facts of the whole table, summed up over its batches.
    """

    schema: pa.Schema
    columns: Callable[[pa.RecordBatch], Columns]
    checks: tuple[RowCheck, ...]
    tallies: Mapping[str, Callable[[], Tally]]


@dataclass(frozen=True)
class Suite:
    """All that is expected of one data set."""

    facts: tuple[FactCheck, ...] = ()
    rows: RowSuite | None = None


def at(*path: str) -> Callable[[Facts], float | None]:
    """Picks the number at a path of keys."""

    def observe(facts: Facts) -> float | None:
        value: Any = facts
        for key in path:
            value = value[key]
        return None if value is None else float(value)

    return observe


def least(*path: str) -> Callable[[Facts], float | None]:
    """Picks the least of the numbers in a list, one for each level."""
    return lambda facts: min(_numbers(facts, path), default=None)


def greatest(*path: str) -> Callable[[Facts], float | None]:
    """Picks the greatest of the numbers in a list, one for each level."""
    return lambda facts: max(_numbers(facts, path), default=None)


def last(*path: str) -> Callable[[Facts], float | None]:
    """Picks the last of the numbers in a list, that of all levels together."""
    return lambda facts: next(iter(_numbers(facts, path)[::-1]), None)


def share_of(part: str, whole: str) -> Callable[[Facts], float | None]:
    """Picks one number over another; none if the other is 0."""
    return lambda facts: facts[part] / facts[whole] if facts[whole] else None


def tallied(name: str) -> Callable[[Facts], float | None]:
    """Picks a fact that was measured on the rows."""
    return at("row_checks", "facts", name)


def _numbers(facts: Facts, path: tuple[str, ...]) -> list[float]:
    value: Any = facts
    for key in path:
        value = value[key]
    return [float(each) for each in value]


def schema_deviations(found: pa.Schema, wanted: pa.Schema) -> Iterable[str]:
    """In words, how a table's columns differ from its schema; further columns are no deviation."""
    for field in wanted:
        index = found.get_field_index(field.name)
        if index < 0:
            yield f"column '{field.name}' ({field.type}) is missing"
        elif not _same(found.field(index).type, field.type):
            yield f"column '{field.name}' is {found.field(index).type}, not {field.type}"


def _same(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether two types are the same, whatever the names and nullability of list elements."""
    if pa.types.is_fixed_size_list(wanted):
        return pa.types.is_fixed_size_list(found) and _same(found.value_type, wanted.value_type)
    if pa.types.is_list(wanted) or pa.types.is_large_list(wanted):
        is_list = pa.types.is_list(found) or pa.types.is_large_list(found)
        return is_list and _same(found.value_type, wanted.value_type)
    return bool(found == wanted)
