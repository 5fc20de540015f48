"""Values of any type as text."""

import json
import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from sidflow.errors import DataContractError

_NUMBER = r"^-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def as_ids(column: Any, where: str) -> pa.Array:
    """A column of ids as text, exactly: never through a float.

    Args:
        column: Array or chunked array. Whole floats (an integer column that once had gaps) become integers.
        where: File and column, for the error message.

    Returns:
        (n,) string; null stays null.

    Raises:
        DataContractError: If the ids are fractions, floats too large to be exact, or not scalars.
    """
    column = _one_array(column)
    if pt.is_floating(column.type):
        column = column.cast(pa.float64())
        exact = pc.and_(pc.equal(pc.floor(column), column), pc.less_equal(pc.abs(column), 2.0**53))
        wrong = column.filter(pc.and_kleene(pc.is_valid(column), pc.invert(exact)))
        if len(wrong) > wrong.null_count:
            raise DataContractError(
                f"{where}: ids are floating-point numbers such as {wrong[0].as_py()!r}; allowed are text and integers. "
                "Write them as text, or map another column."
            )
    elif pt.is_nested(column.type):
        raise DataContractError(
            f"{where}: ids are of type {column.type}; allowed are text and integers. "
            "Write them as text, or map another column."
        )
    return as_text(column, where)


def as_text(column: Any, where: str) -> pa.Array:
    """A column of any type as text.

    Numbers are written in full, whole floats without a fraction, NaN becomes null; times in ISO 8601; a list joins its
    values with `, ` and a list of lists joins the inner ones with ` > ` (category paths); other nested values are JSON.

    Raises:
        DataContractError: If the column holds bytes that are not UTF-8.
    """
    column = _one_array(column)
    kind = column.type
    if pt.is_dictionary(kind):
        return as_text(column.cast(kind.value_type), where)
    if pt.is_nested(kind):
        return pa.array([value_text(each) for each in column.to_pylist()], pa.string())
    if pt.is_floating(kind):
        return _float_text(column.cast(pa.float64()))
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise DataContractError(f"{where}: is of type {kind} and not UTF-8 text: {error}. Write it as text.") from error


def as_numbers(column: Any) -> pa.Array:
    """A column of text or numbers as float64, (n,); null where there is no number (NaN is none)."""
    column = _one_array(column)
    if pt.is_null(column.type):
        return column.cast(pa.float64())
    if pt.is_integer(column.type) or pt.is_floating(column.type) or pt.is_decimal(column.type):
        numbers = column.cast(pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(numbers), None, numbers)
    text = pc.utf8_trim_whitespace(as_text(column, "number"))
    return pc.if_else(pc.match_substring_regex(text, _NUMBER), text, None).cast(pa.float64())


def is_blank(text: Any) -> Any:
    """Where text is null, empty or white space; never null."""
    return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(text), ""), True)


def is_vector(kind: pa.DataType) -> bool:
    """Whether a column type is a list of numbers."""
    listed = pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)
    return bool(listed and (pt.is_floating(kind.value_type) or pt.is_integer(kind.value_type)))


def value_text(value: Any) -> str | None:
    """One Python value as text, by the rules of `as_text`."""
    match value:
        case None:
            return None
        case str():
            return encodable(value)
        case bool():
            return "true" if value else "false"
        case float():
            if math.isnan(value):
                return None
            return str(int(value)) if value.is_integer() and abs(value) <= 2**53 else repr(value)
        case list():
            inner = [" > ".join(_texts(each)) if isinstance(each, list) else value_text(each) for each in value]
            return ", ".join(each for each in inner if each)
        case dict():
            return encodable(json.dumps(value, default=str, ensure_ascii=False))
        case _:
            return str(value)


def encodable(text: str) -> str:
    """The text with lone surrogates, which JSON can hold and UTF-8 cannot, replaced by question marks."""
    return text if text.isascii() else text.encode("utf-8", errors="replace").decode("utf-8")


def _texts(values: list[Any]) -> list[str]:
    return [text for each in values if (text := value_text(each))]


def _float_text(column: pa.Array) -> pa.Array:
    column = pc.if_else(pc.is_nan(column), None, column)
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less_equal(pc.abs(column), 2.0**53))
    integers = pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.string())
    return pc.coalesce(integers, column.cast(pa.string()))


def _one_array(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
