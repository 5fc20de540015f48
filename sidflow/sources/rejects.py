"""Rows that are set aside: never lost, never fatal."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.sources.batch import Batch

REJECTS_SCHEMA = pa.schema(
    {"file": pa.dictionary(pa.int32(), pa.string()), "row": pa.int64(), "reason": pa.string(), "raw": pa.string()}
)


def reject_rows(batch: Batch, source_name: str, reason: Any) -> pa.Table:
    """The rows of a batch that have a reason, and those that could not be read at all.

    Args:
        batch: n rows.
        source_name: Of the file, for column `file`.
        reason: (n,) string, null where the row is sound.

    Returns:
        file, row (1-based data row), reason, raw text.
    """
    chosen = pc.is_valid(reason)
    rejected = [batch.rows.filter(chosen), reason.filter(chosen), batch.raw(chosen)]
    unread = zip(*batch.bad, strict=True) if batch.bad else ((), (), ())
    columns = [_joined(column, values) for column, values in zip(rejected, unread, strict=True)]
    return pa.table([same_text(source_name, len(columns[0])), *columns], schema=REJECTS_SCHEMA)


def count_reasons(rejects: pa.Table) -> dict[str, int]:
    """Rows by reason, reasons sorted."""
    return {each["values"]: each["counts"] for each in pc.value_counts(rejects["reason"].sort()).to_pylist()}


def counted(counts: Mapping[str, int]) -> str:
    """Counts by reason in words, such as `too few fields 2, timestamp missing 1,024`; zeros are left out."""
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.items() if count)


def same_text(text: str, count: int) -> pa.Array:
    """One text `count` times, as a dictionary array."""
    return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([text], pa.string()))


def _joined(column: Any, values: Sequence[Any]) -> pa.ChunkedArray:
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return pa.chunked_array([*chunks, pa.array(values, column.type)], column.type)
