"""The rows of an artifact that its gate looks at, read in bounded memory."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

ITEMS: Final = b"sidflow.items"
BATCH_ROWS: Final = 200_000
BATCH_BYTES: Final = 64 << 20


def row_batches(kind: str, files: Mapping[str, Path]) -> Iterable[pa.RecordBatch] | None:
    """An artifact's rows in order, or None if its kind has no rows to look at.

    Args:
        kind: A kind of artifact.
        files: Local path by logical file name.
    """
    match kind:
        case "interactions" | "catalogue" | "availability":
            return _parquet(_named(files, "", ".parquet", but="rejects"))
        case "histories":
            return _histories(files)
        case "pairs":
            return _parquet([files["pairs.parquet"]])
        case "embeddings":
            return _arrow(files["embeddings.arrow"])
        case "semantic_ids":
            return _parquet([files["semantic_ids.parquet"]])
        case "dataset":
            return _items_beside_sids(files)
        case _:
            return None


def _named(files: Mapping[str, Path], prefix: str, suffix: str, but: str | None = None) -> list[Path]:
    names = [each for each in sorted(files) if each.startswith(prefix) and each.endswith(suffix)]
    return [files[each] for each in names if but is None or not each.startswith(but)]


def _parquet(paths: Iterable[Path]) -> Iterator[pa.RecordBatch]:
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                yield batch.replace_schema_metadata(file.schema_arrow.metadata)


def _arrow(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of an Arrow file, memory-mapped, in slices of bounded size."""
    with pa.memory_map(str(path)) as source:
        file = pa.ipc.open_file(source)
        for index in range(file.num_record_batches):
            whole = file.get_batch(index)
            rows = max(1, min(BATCH_ROWS, BATCH_BYTES * whole.num_rows // max(whole.nbytes, 1)))
            for first in range(0, whole.num_rows, rows):
                yield whole.slice(first, rows)


def _histories(files: Mapping[str, Path]) -> Iterator[pa.RecordBatch]:
    """Users in order, told how many items the catalogue has."""
    items = sum(batch.num_rows for batch in _arrow(files["items.arrow"]))
    for path in _named(files, "histories-", ".arrow"):
        for batch in _arrow(path):
            yield batch.replace_schema_metadata({ITEMS: str(items)})


def _items_beside_sids(files: Mapping[str, Path]) -> Iterator[pa.RecordBatch]:
    """The SID table beside the items that the histories index: rows must name the same item."""
    indexed = pa.Table.from_batches(_arrow(files["items.arrow"]))["item_id"].combine_chunks()
    first = 0
    for batch in _parquet([files["semantic_ids.parquet"]]):
        known = indexed.slice(first, batch.num_rows)
        missing = pa.nulls(batch.num_rows - len(known), indexed.type)
        yield pa.RecordBatch.from_arrays(
            [batch["item_id"], pa.concat_arrays([known, missing])], ["item_id", "indexed_id"]
        )
        first += batch.num_rows
    rest = indexed.slice(first)
    yield pa.RecordBatch.from_arrays([pa.nulls(len(rest), pa.string()), rest], ["item_id", "indexed_id"])
