"""A source file as a stream of batches of bounded size."""

import zlib
from collections.abc import Generator, Sequence

import pyarrow as pa

from sidflow.errors import DataContractError
from sidflow.sources.batch import Batch
from sidflow.sources.delimited import read_delimited
from sidflow.sources.jsonlines import read_jsonlines
from sidflow.sources.listing import Source, unreadable
from sidflow.sources.mistaken import other_content
from sidflow.sources.parquet import read_parquet
from sidflow.sources.streams import open_stream

_START_BYTES = 512


def read_batches(
    source: Source, batch_rows: int, required: Sequence[str] = (), only_required: bool = False
) -> Generator[Batch, None, None]:
    """Stream a source file in bounded memory; rows that cannot be read as rows come in `Batch.bad`.

    Args:
        source: The file.
        batch_rows: Most rows in a batch.
        required: Columns that must be there.
        only_required: Read no other columns from Parquet, the one format where that saves work.

    Raises:
        DataContractError: If the file is empty, cut off, corrupt, not UTF-8, or lacks a required column.
    """
    if source.bytes == 0:
        raise DataContractError(
            f"{source.url}: the file is empty (0 bytes); allowed is a file with rows. Remove it, or fetch it again."
        )
    try:
        match source.format:
            case "csv":
                yield from read_delimited(source, ",", batch_rows, required)
            case "tsv":
                yield from read_delimited(source, "\t", batch_rows, required)
            case "jsonl":
                yield from read_jsonlines(source, batch_rows, required)
            case "parquet":
                yield from read_parquet(source, batch_rows, required, only_required)
    except (PermissionError, FileNotFoundError) as error:
        raise unreadable(source.url, error) from error
    except (pa.ArrowInvalid, OSError, EOFError, zlib.error) as error:
        raise DataContractError(
            f"{source.url}: cannot be read as {source.format}: {_reason(source, error)}."
        ) from error


def _reason(source: Source, error: Exception) -> str:
    try:
        with open_stream(source) as (stream, _):
            other = other_content(stream.read(_START_BYTES), source.format)
    except (pa.ArrowInvalid, OSError):  # not even compressed as its name says
        other = None
    if other:
        return f"it is {other}"
    return f"{' '.join(str(error).split()).rstrip('.')}. Is the file whole and in that format? Fetch it again"
