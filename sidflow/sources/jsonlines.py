"""JSON Lines: one object a line, every scalar as text."""

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from sidflow.errors import DataContractError
from sidflow.sources.batch import BadRow, Batch, require_columns
from sidflow.sources.encoding import not_utf8
from sidflow.sources.listing import Source
from sidflow.sources.mistaken import other_content
from sidflow.sources.streams import open_stream
from sidflow.sources.text import encodable, value_text

_LONGEST_LINE = 1 << 26
_BATCH_BYTES = 1 << 26
_READ_BYTES = 1 << 20


def read_jsonlines(source: Source, batch_rows: int, required: Sequence[str]) -> Iterator[Batch]:
    """Stream a file of one JSON object a line; a key that is absent from a line is null there.

    Parsed by Python's json, line by line: Arrow's reader infers types (`"2020-01-01"` becomes a time) and gives up
    the whole file where a value changes its type.
    """
    numbers: list[int] = []
    lines: list[str] = []
    rows: list[dict[str, Any]] = []
    bad: list[BadRow] = []
    size, position, checked = 0, 0, False
    for number, (line, position) in enumerate(_lines(source), start=1):
        parsed = _parse(line)
        if parsed is None:
            bad.append(BadRow(number, "not a JSON object", encodable(line)))
        else:
            numbers.append(number)
            lines.append(encodable(line))
            rows.append(parsed)
        size += len(line)
        if len(numbers) + len(bad) >= batch_rows or size >= _BATCH_BYTES:
            checked = _check(source, rows, required, checked)
            yield _batch(numbers, lines, rows, bad, required, position)
            numbers, lines, rows, bad, size = [], [], [], [], 0
    if not _check(source, rows, required, checked) and bad:
        raise DataContractError(
            f"{source.url}: no line is a JSON object, not even the first: {bad[0].raw[:60]!r}. Allowed is one object a "
            "line: write it so (jq -c .), or name the file after its format, such as .csv."
        )
    yield _batch(numbers, lines, rows, bad, required, source.bytes)


def _lines(source: Source) -> Iterator[tuple[str, int]]:
    """The lines that are not blank, each with the bytes of the stored file read so far."""
    with open_stream(source) as (stream, stored):
        file, number = io.BufferedReader(stream, _READ_BYTES), 0
        while line := file.readline(_LONGEST_LINE):
            number += 1
            if number == 1 and (other := other_content(line, source.format)):
                raise DataContractError(f"{source.url}: cannot be read as {source.format}: it is {other}.")
            if len(line) == _LONGEST_LINE:
                raise DataContractError(
                    f"{source.url}: line {number} is longer than {_LONGEST_LINE:,} bytes; allowed is one JSON object a "
                    "line. Convert a JSON array with: jq -c '.[]'."
                )
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise not_utf8(source, number, line, error) from error
            if number == 1 and text.startswith("["):
                raise DataContractError(
                    f"{source.url}: is a JSON array; allowed is one JSON object a line. Convert it with: jq -c '.[]'."
                )
            if text:
                yield text, stored.bytes_read


def _parse(line: str) -> dict[str, Any] | None:
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _check(source: Source, rows: list[dict[str, Any]], required: Sequence[str], checked: bool) -> bool:
    """Refuse a file whose first rows all lack a required key; True once there were rows to look at."""
    if rows and not checked:
        require_columns(source.url, list(dict.fromkeys(name for row in rows for name in row)), required)
    return checked or bool(rows)


def _batch(
    numbers: list[int],
    lines: list[str],
    rows: list[dict[str, Any]],
    bad: list[BadRow],
    required: Sequence[str],
    bytes_read: int,
) -> Batch:
    names = dict.fromkeys([*required, *(name for row in rows for name in row)])
    columns = {encodable(name): _column([row.get(name) for row in rows]) for name in names}
    table, text = pa.table(columns), pa.array(lines, pa.string())
    return Batch(pa.array(numbers, pa.int64()), table, tuple(bad), lines=text, bytes_read=bytes_read)


def _column(values: list[Any]) -> pa.Array:
    """Lists of numbers as vectors, nothing but nulls as nulls, everything else as text."""
    if all(each is None for each in values):
        return pa.nulls(len(values))
    if any(isinstance(each, list) for each in values) and all(each is None or _is_vector(each) for each in values):
        return pa.array(values, pa.list_(pa.float32()))
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowException, UnicodeEncodeError):  # not text alone
        return pa.array([value_text(each) for each in values], pa.string())


def _is_vector(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, int | float) and not isinstance(each, bool) for each in value)
    )
