"""CSV and TSV: every value as text, ragged rows set aside."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from sidflow.errors import DataContractError
from sidflow.sources.batch import BadRow, Batch, require_columns
from sidflow.sources.encoding import refuse_other_encodings
from sidflow.sources.listing import Source
from sidflow.sources.mistaken import first_fields, header_doubt, other_content
from sidflow.sources.streams import open_stream

_BLOCK = 1 << 22
_HEADER_BYTES = 1 << 20


def read_delimited(source: Source, delimiter: str, batch_rows: int, required: Sequence[str]) -> Iterator[Batch]:
    """Stream a file with a header line; values may be quoted with `"` and then span lines."""
    names = _header(source, delimiter)
    require_columns(source.url, names, required, header_doubt(names, delimiter))
    ragged: list[BadRow] = []

    def set_aside(row: Any) -> str:  # Arrow counts the header as row 1
        reason = "too many fields" if row.actual_columns > row.expected_columns else "too few fields"
        ragged.append(BadRow(row.number - 1, reason, row.text))
        return "skip"

    following = 1
    try:
        with open_stream(source) as (stream, file), _open(stream, names, delimiter, set_aside) as reader:
            for block in reader:
                numbers = _numbers(following, block.num_rows, [bad.row for bad in ragged])
                following = int(numbers[-1]) + 1 if len(numbers) else following
                met = [bad for bad in ragged if bad.row < following]
                del ragged[: len(met)]  # not rebuilt: the reader may be ahead and append meanwhile
                for first in range(0, max(block.num_rows, 1), batch_rows):
                    rows = pa.array(numbers[first : first + batch_rows])
                    table = pa.Table.from_batches([block]).slice(first, batch_rows)
                    yield Batch(rows, table, tuple(met) if first == 0 else (), delimiter, bytes_read=file.bytes_read)
    except pa.ArrowInvalid as error:
        refuse_other_encodings(source)
        what = " ".join(str(error).split())
        if "straddling" in what:
            what = f'a value is longer than {_BLOCK >> 20} MiB, as when a quote (") is never closed'
        raise DataContractError(
            f"{source.url}: cannot be parsed after data row {following - 1:,}: {what}. Mend the file there."
        ) from error
    empty = pa.schema([(name, pa.string()) for name in names]).empty_table()
    yield Batch(pa.array([], pa.int64()), empty, tuple(ragged), delimiter, bytes_read=source.bytes)


def _header(source: Source, delimiter: str) -> list[str]:
    with open_stream(source) as (stream, _):
        start = stream.read(_HEADER_BYTES)
    if other := other_content(start, source.format):
        raise DataContractError(f"{source.url}: cannot be read as {source.format}: it is {other}.")
    names = first_fields(start, delimiter)
    if names is None:
        raise DataContractError(
            f"{source.url}: has no header line; allowed is a first line of column names. Put one before the data."
        )
    if any("\N{REPLACEMENT CHARACTER}" in name for name in names):
        refuse_other_encodings(source)
    return names


def _open(stream: Any, names: list[str], delimiter: str, set_aside: Any) -> Any:
    # One thread: with more, Arrow does not know the number of a ragged row.
    return pyarrow.csv.open_csv(
        stream,
        pyarrow.csv.ReadOptions(block_size=_BLOCK, use_threads=False),
        pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=set_aside),
        pyarrow.csv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=False),
    )


def _numbers(following: int, count: int, skipped: list[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The numbers of the next `count` rows, those of skipped rows passed over."""
    ahead = np.arange(following, following + count + len(skipped), dtype=np.int64)
    return ahead[~np.isin(ahead, skipped)][:count] if skipped else ahead
