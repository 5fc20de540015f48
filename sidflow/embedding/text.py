"""The text of an item, from a template over catalogue columns."""

import string
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.errors import ConfigError, did_you_mean

SEPARATORS = " \t\n.,;:|/-\u2013\u2014\u00b7\u2022"  # the last four: en dash, em dash, middle dot, bullet


class Slot(NamedTuple):
    """A field of a template, and the text before it."""

    before: str
    field: str


def render_texts(catalogue: pa.Table, template: str) -> list[str]:
    """The text of every item.

    A field that is empty or missing drops out with the text before it, so that `{title}. {brand}. {category}`
    without a brand reads `Lipstick. Make-up`. Runs of white space become one space; lists are joined by commas.

    Args:
        catalogue: N items.
        template: Text with catalogue columns in braces; {{ and }} stand for braces.

    Returns:
        N texts; empty where no field has a value.

    Raises:
        ConfigError: If the template has no field, an unknown one, or one whose values have no text.
    """
    slots, after = _parse(template)
    for slot in slots:
        _check_column(slot.field, catalogue)
    columns = [column_texts(catalogue[slot.field]) for slot in slots]
    return [_join(slots, values, after) for values in zip(*columns, strict=True)]


def _parse(template: str) -> tuple[list[Slot], str]:
    """The fields of a template, and the text after the last one."""
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ConfigError(f"embedding.template {template!r}: {error}. Write columns as {{title}}.") from None
    slots, before = [], ""
    for literal, field, spec, conversion in pieces:
        before += literal
        if field is None:
            continue
        if spec or conversion:
            raise ConfigError(
                f"embedding.template {template!r}: {{{field}}} has a format; "
                "allowed is a column's name alone, such as {title}."
            )
        slots.append(Slot(before, field))
        before = ""
    if not slots:
        raise ConfigError(f"embedding.template {template!r}: names no column; write one as {{title}}.")
    return slots, before


def _check_column(field: str, catalogue: pa.Table) -> None:
    known = sorted(catalogue.column_names)
    if field not in known:
        hint = did_you_mean(field, known)
        raise ConfigError(
            f"embedding.template: the catalogue has no column '{field}'; it has: {', '.join(known)}.{hint}"
        )


def column_texts(column: pa.ChunkedArray) -> list[str]:
    """A column as texts of single-spaced words; empty where there is no value."""
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return [", ".join(_words(each) for each in values or () if each is not None) for values in column.to_pylist()]
    if not pa.types.is_string(column.type):
        column = pc.cast(column, pa.string())
    return [_words(value) for value in column.to_pylist()]


def _words(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())


def _join(slots: list[Slot], values: tuple[str, ...], after: str) -> str:
    text = ""
    for index, (slot, value) in enumerate(zip(slots, values, strict=True)):
        if value:
            # The first value that there is must not inherit the separator from one that is not.
            text += (slot.before if text or not index else slot.before.lstrip(SEPARATORS)) + value
    return text + after if text else ""
