"""Writing a table of any length to a Parquet, CSV or JSON Lines file, batch by batch."""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.export.destination import Destination

ABOUT = b"sidflow"
SIDECAR = ".schema.json"


@dataclass(frozen=True)
class Stream:
    """A table to be written, of any length.

    Attributes:
        schema: Of every batch.
        batches: The rows, in order.
        about: What a reader must know to use them, plain JSON: Parquet carries it in its schema metadata (`sidflow`).
        sidecar: Write `about` into a file beside a text format, which has no place for it.
    """

    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]
    about: dict[str, Any] = field(default_factory=dict)
    sidecar: bool = False


class _Writer(Protocol):
    def write(self, batch: pa.RecordBatch) -> None: ...


def write_stream(stream: Stream, place: Destination) -> int:
    """Write all batches to a file, which is there whole at the end or not at all; returns the rows.

    CSV follows RFC 4180 with a header; lists become text with blanks between. A null is an empty field there.

    Raises:
        ConfigError: If there is no right or room to write.
    """
    rows = 0
    with place.writing() as path:
        with _open(stream, place, path) as writer:
            for batch in stream.batches:
                writer.write(batch)
                rows += batch.num_rows
        if stream.sidecar and place.format != "parquet":
            with place.beside(SIDECAR).writing() as beside:
                beside.write_text(json.dumps(stream.about, indent=1) + "\n", encoding="utf-8")
    return rows


@contextmanager
def _open(stream: Stream, place: Destination, path: Path) -> Iterator[_Writer]:
    with ExitStack() as stack:
        if place.format == "parquet":
            schema = stream.schema.with_metadata({ABOUT: json.dumps(stream.about)})
            parquet = stack.enter_context(pq.ParquetWriter(path, schema, compression="zstd"))
            yield _Parquet(parquet, schema)
            return
        file: Any = stack.enter_context(path.open("wb"))
        if place.gzipped:  # without name and time, so that equal rows give equal bytes
            file = stack.enter_context(gzip.GzipFile("", "wb", 6, file, 0))
        text = stack.enter_context(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        yield _Csv(text, stream.schema) if place.format == "csv" else _JsonLines(text)


class _Parquet:
    def __init__(self, writer: pq.ParquetWriter, schema: pa.Schema):
        self.writer, self.schema = writer, schema

    def write(self, batch: pa.RecordBatch) -> None:
        self.writer.write_table(pa.Table.from_batches([batch]).cast(self.schema))  # one row group a batch


class _Csv:
    def __init__(self, text: IO[str], schema: pa.Schema):
        self.writer = csv.writer(text, lineterminator="\r\n")
        self.writer.writerow(schema.names)

    def write(self, batch: pa.RecordBatch) -> None:
        self.writer.writerows(zip(*(_values(_flat(column)) for column in batch.columns), strict=True))


class _JsonLines:
    def __init__(self, text: IO[str]):
        self.text = text

    def write(self, batch: pa.RecordBatch) -> None:
        names, rows = batch.schema.names, zip(*(_values(column) for column in batch.columns), strict=True)
        self.text.writelines(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)


def _flat(column: pa.Array) -> pa.Array:
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        return column
    return pc.binary_join(column.cast(pa.large_list(pa.string())), " ")


def _values(column: pa.Array) -> list[Any]:
    """Python values for text formats; a float32 with the digits it has, not those of a double."""
    if not pa.types.is_float32(column.type):
        return list(column.to_pylist())
    return [None if each is None else float(each) for each in column.cast(pa.string()).to_pylist()]
