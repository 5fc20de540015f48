"""One guessed role: the column, why, and what else it might have been."""

from collections.abc import Iterable
from typing import NamedTuple

from sidflow.setup.names import likeness
from sidflow.setup.profile import Column, shown

CLOSE = 0.2


class Scored(NamedTuple):
    """A column that may play a role, how much speaks for it, and what."""

    score: float
    column: Column
    why: str


class Choice(NamedTuple):
    """The column that plays a role.

    Attributes:
        column: Its name in the source.
        why: The evidence, in words.
        rival: The runner-up, if little speaks for the one and against the other.
    """

    column: str
    why: str
    rival: str | None = None


def best(candidates: Iterable[Scored]) -> Choice | None:
    """The candidate with the highest score; ties go by content, so that neither order nor names of columns decide."""
    ranked = sorted(
        candidates, key=lambda each: (-each.score, each.column.length, each.column.looked_at[:20].to_pylist())
    )
    if not ranked:
        return None
    first, others = ranked[0], ranked[1:]
    rival = others[0].column.name if others and first.score - others[0].score < CLOSE else None
    return Choice(first.column.name, first.why, rival)


def named(column: Column, role: str) -> str:
    """What a column's name says of a role, as the beginning of a reason; empty if nothing."""
    return "the name fits; " if likeness(column.name, role) else ""


def seen(columns: Iterable[Column], most: int = 12) -> str:
    """Columns with values, for a message."""
    listed = list(columns)
    texts = [f"{shown(each.name)} ({each.examples})" for each in listed[:most]]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(texts) + more or "no column with a value"
