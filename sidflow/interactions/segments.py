"""Segments: the cleaned rows of one source file, with their range of time."""

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.config import InteractionsConfig
from sidflow.interactions.clean import clean_batch, mapped_columns
from sidflow.interactions.facts import SegmentCounts, losses
from sidflow.interactions.forgotten import NOBODY, Forgotten
from sidflow.interactions.order import OrderTypes, rewrite_order_columns
from sidflow.schemas import TIME
from sidflow.sources import REJECTS_SCHEMA, Source, TimestampUnit, detect_unit, read_batches

_LOG = logging.getLogger(__name__)
_SNIFFED_ROWS = 10_000


def write_segment(
    source: Source,
    config: InteractionsConfig,
    folder: Path,
    on_progress: Callable[[int, int], None] | None = None,
    forgotten: Forgotten = NOBODY,
) -> dict[str, Any]:
    """Clean one source file into `rows.parquet` and `rejects.parquet`, in the order of its rows.

    Args:
        source: The file.
        config: Column mapping, timestamp unit and keep rules.
        folder: An empty local folder.
        on_progress: Called with bytes read and in total.
        forgotten: Users whose rows are passed over as if they were not there.

    Returns:
        source, source_rows, rows, rejects {reason: rows}, not_kept {rule: rows}, min_timestamp_us and
        max_timestamp_us (None without rows), timestamp_unit, order_types (one name per order_by column),
        and forgotten (digests of the users whose rows were passed over) if there were any.

    Raises:
        DataContractError: If the file cannot be read, or lacks a mapped column.
    """
    unit = _unit(source, config)
    order = OrderTypes(len(config.columns.order_by))
    counts, passed_over = SegmentCounts(), set[str]()
    unsettled = folder / "rows.unsettled"
    with (
        pq.ParquetWriter(unsettled, rows_schema(config), compression="zstd") as rows,
        pq.ParquetWriter(folder / "rejects.parquet", REJECTS_SCHEMA, compression="zstd") as rejects,
    ):
        for batch in read_batches(source, config.batch_rows, mapped_columns(config.columns), only_required=True):
            if forgotten:
                user = config.columns.user
                batch, users = forgotten.without(batch, user, f"{source.url}: column '{user}'")
                passed_over |= users
            cleaned = clean_batch(batch, source, config, unit or "s")
            order.see(cleaned.rows)
            counts.add(len(batch.rows) + len(batch.bad), cleaned)
            _append(rows, cleaned.rows)
            _append(rejects, cleaned.rejects)
            if on_progress:
                on_progress(min(batch.bytes_read, source.bytes), source.bytes)
    rewrite_order_columns(unsettled, folder / "rows.parquet", order.types)
    facts = {"source": source.name, **counts.as_dict(), "timestamp_unit": unit, "order_types": order.names}
    if passed_over:
        facts["forgotten"] = sorted(passed_over)
    _LOG.info(
        "%s: %s source rows -> %s rows%s", source.url, f"{counts.source_rows:,}", f"{counts.rows:,}", losses(facts)
    )
    return facts


def clip_segment(rows_path: Path, as_of_us: int, target: Path) -> int:
    """Write only the rows before `as_of_us` (UTC microseconds, exclusive) to `target`; returns how many."""
    count = 0
    as_of = pa.scalar(as_of_us, TIME)
    with pq.ParquetFile(rows_path) as file, pq.ParquetWriter(target, file.schema_arrow, compression="zstd") as writer:
        for group in file.iter_batches():
            rows = pa.Table.from_batches([group])
            rows = rows.filter(pc.less(rows["timestamp"], as_of))
            count += rows.num_rows
            _append(writer, rows)
    return count


def rows_schema(config: InteractionsConfig) -> pa.Schema:
    """Columns of `rows.parquet`, the order columns still as text."""
    columns: dict[str, pa.DataType] = {"user_id": pa.string(), "item_id": pa.string(), "timestamp": TIME}
    columns |= {f"order_{k}": pa.string() for k in range(len(config.columns.order_by))}
    if config.columns.event is not None:
        columns["event"] = pa.string()
    if config.columns.weight is not None:
        columns["weight"] = pa.float64()
    return pa.schema({**columns, "row": pa.int64(), "source": pa.dictionary(pa.int32(), pa.string())})


def _unit(source: Source, config: InteractionsConfig) -> TimestampUnit | None:
    """The file's timestamp unit; `auto` looks at its first rows, however large the batches are."""
    if config.timestamp_unit != "auto":
        return config.timestamp_unit
    batches = read_batches(source, _SNIFFED_ROWS, mapped_columns(config.columns), only_required=True)
    with closing(batches):
        return next((unit for each in batches if (unit := detect_unit(each.table[config.columns.timestamp]))), None)


def _append(writer: Any, table: pa.Table) -> None:
    if table.num_rows:
        writer.write_table(table)
