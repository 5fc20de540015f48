"""Why a log gives no interactions at all, with an example row."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.errors import DataContractError
from sidflow.interactions.facts import losses, merge_facts

_SHOWN = 80


def nothing_accepted(path: str, facts: Sequence[dict[str, Any]], rejects: Sequence[Path]) -> DataContractError:
    """The error for a log of which no row counts.

    Args:
        path: Where the log is.
        facts: Of its segments.
        rejects: The rejects files of its segments.
    """
    total = merge_facts(facts)
    if not total["source_rows"]:
        return DataContractError(
            f"{path}: {len(facts)} file{'s' * (len(facts) > 1)} without a single row; allowed is one interaction or "
            "more. Check interactions.path."
        )
    if not total["rejects"]:
        return DataContractError(
            f"{path}: no row of {total['source_rows']:,} was accepted{losses(total)}. All rows are sound; change "
            "interactions.keep to what the log holds, or the columns of interactions.columns.event and weight."
        )
    said = f"{path}: no row of {total['source_rows']:,} was accepted{losses(total)}{_example(rejects)}."
    if set(total["rejects"]) <= {"too few fields", "too many fields"}:
        return DataContractError(
            f"{said} Allowed are as many fields as the header has names. Mend the header or the rows."
        )
    return DataContractError(
        f"{said} Allowed are ids that are not blank and times in epoch s, ms or us or ISO 8601, from 1970 up to 2100. "
        "Check interactions.columns and interactions.timestamp_unit."
    )


def _example(rejects: Sequence[Path]) -> str:
    """The first rejected row, shortened."""
    for path in rejects:
        with pq.ParquetFile(path) as file:
            first = next((batch for batch in file.iter_batches(1) if batch.num_rows), None)
        if first is not None:
            row = pa.Table.from_batches([first]).to_pylist()[0]
            raw = row["raw"] if len(row["raw"]) <= _SHOWN else f"{row['raw'][:_SHOWN]}..."
            return f"; row {row['row']:,} of {row['file']} is {raw!r}"
    return ""
