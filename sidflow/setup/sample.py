"""The first rows of the files behind a path, as text: enough to guess by, however large the files are."""

import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa

from sidflow.errors import DataContractError
from sidflow.sources import Source, as_text, is_vector, list_sources, read_batches
from sidflow.sources.mistaken import header_doubt, listed

MOST_FILES = 16
_LETTERS = re.compile(r"[^\W\d_]")
_VALUE = re.compile(r"\d{6,}(\.\d+)?|\d{4}-\d\d-\d\d.*")


@dataclass(frozen=True)
class Sample:
    """Rows of a data set, from the start of its files.

    Attributes:
        path: What was read: file, folder, glob or URL.
        files: Source files behind it.
        table: n rows; each column as text or list<float32>, those that are empty or unreadable as nulls.
        bad: Rows met on the way that could not be read as rows.
        rows: Rows of all files; estimated by size unless `complete`.
        complete: Whether every row of every file is here.
        left_out: Columns that cannot be mapped, and why.
    """

    path: str
    files: int
    table: pa.Table
    bad: int
    rows: int
    complete: bool
    left_out: dict[str, str]


def read_sample(path: str, rows: int) -> Sample:
    """At most about `rows` rows of the files behind a path, spread over at most 16 of them.

    Raises:
        DataContractError: If nothing is there, a file cannot be read, or there is no row.
    """
    sources = list_sources(path, hashed=False)
    chosen = sources[:: -(-len(sources) // MOST_FILES)]
    share = -(-rows // len(chosen))
    heads = [_head(each, share) for each in chosen]
    _refuse_mixture(path, {each.name: head.table.column_names for each, head in zip(chosen, heads, strict=True)})
    left_out = {name: reason for head in heads for name, reason in head.left_out.items()}
    table = _joined([head.table for head in heads], left_out)
    if not table.num_rows:
        raise DataContractError(
            f"{path}: has columns {', '.join(table.column_names)} but no row. Give a file with rows."
        )
    read, counted = sum(head.bytes for head in heads), sum(head.rows for head in heads)
    complete = len(chosen) == len(sources) and all(head.complete for head in heads)
    estimate = round(counted * max(sum(each.bytes for each in sources) / max(read, 1), 1))
    bad = sum(head.bad for head in heads)
    return Sample(path, len(sources), table, bad, estimate, complete, left_out)


@dataclass(frozen=True)
class _Head:
    table: pa.Table
    bad: int
    bytes: int
    rows: int
    complete: bool
    left_out: dict[str, str]


def _head(source: Source, rows: int) -> _Head:
    """The first rows of one file."""
    tables: list[pa.Table] = []
    left_out: dict[str, str] = {}
    bad, size, count, complete = 0, 0, 0, True
    with closing(read_batches(source, rows)) as batches:
        for batch in batches:
            if count >= rows and batch.table.num_rows and batch.bytes_read > size:  # what was read is counted
                complete = False
                break
            names = batch.table.column_names
            if not tables:
                _refuse_other_layouts(source, names)
            left_out |= _unusable(names)
            usable = [index for index, name in enumerate(names) if name not in left_out]
            if count < rows:
                tables.append(pa.table({names[index]: _column(batch.table.column(index)) for index in usable}))
            bad, size, count = bad + len(batch.bad), batch.bytes_read, count + batch.table.num_rows
    table = _joined(tables, left_out).slice(0, rows)
    return _Head(table, bad, size if not complete else source.bytes, count, complete and count <= rows, left_out)


def _refuse_other_layouts(source: Source, names: list[str]) -> None:
    """Refuse a CSV that is separated by something else, and one without a header."""
    delimiter = {"csv": ",", "tsv": "\t"}.get(source.format)
    if delimiter is None or (doubt := header_doubt(names, delimiter)) is None:
        return
    numbered = names == [str(index) for index in range(len(names))]
    bare = not numbered and not any(map(_LETTERS.search, names))
    if len(names) == 1 or bare or any(_VALUE.fullmatch(name.strip()) for name in names):
        said = f"{doubt[0].upper()}{doubt[1:].rstrip('.')}"
        raise DataContractError(f"{source.url}: the first line is {delimiter.join(names)[:60]!r}. {said}.")


def _refuse_mixture(path: str, names: dict[str, list[str]]) -> None:
    """Refuse files that have no two columns in common: they are not one table."""
    common = set.intersection(*map(set, names.values()))
    if len(common) >= 2 or any(len(each) < 2 for each in names.values()):
        return
    (first, theirs), *others = names.items()
    other, ours = min(others, key=lambda each: len({*each[1]} & {*theirs}))
    raise DataContractError(
        f"{path}: holds files of different tables: {first} has {listed(theirs)}; {other} has {listed(ours)}. Give the "
        "file, or a glob that matches those of one table."
    )


def _unusable(names: list[str]) -> dict[str, str]:
    """Columns that a mapping cannot name."""
    repeated = {name: f"is there {count} times" for name, count in Counter(names).items() if count > 1}
    return repeated | {name: "has no name" for name in names if not name.strip()}


def _column(column: pa.ChunkedArray) -> pa.Array:
    """A column as vectors or text; nulls if it holds bytes that are neither."""
    if is_vector(column.type):
        return column.cast(pa.list_(pa.float32())).combine_chunks()
    try:
        return as_text(column, "sample")
    except DataContractError:
        return pa.nulls(len(column))


def _joined(tables: list[pa.Table], left_out: dict[str, str]) -> pa.Table:
    """All rows; a column that is a vector in some and text in others cannot be mapped."""
    kinds: dict[str, set[str]] = {}
    for table in tables:
        for field in table.schema:
            kinds.setdefault(field.name, set()).add(str(field.type))
    for name, found in kinds.items():
        if len(found - {"null"}) > 1:
            left_out[name] = "is a vector in some rows and text in others"
    chosen = [table.select([name for name in table.column_names if name not in left_out]) for table in tables]
    return pa.concat_tables(chosen, promote_options="default").combine_chunks()
