"""One batch of source rows: which count, which do not, and which are broken."""

from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.config import InteractionsConfig
from sidflow.config.inputs import InteractionColumns, KeepRules
from sidflow.schemas import TIME
from sidflow.sources import (
    Batch,
    Source,
    TimestampUnit,
    as_ids,
    as_numbers,
    as_text,
    is_blank,
    parse_timestamps,
    reject_rows,
    same_text,
)

USER_MISSING = "user id missing"
ITEM_MISSING = "item id missing"
BAD_WEIGHT = "weight is not a number"


class Cleaned(NamedTuple):
    """A batch taken apart.

    Attributes:
        rows: user_id, item_id, timestamp, row, source; order_0 ... as text, event and weight where they are mapped.
        rejects: file, row, reason, raw.
        not_kept: Sound rows that a keep rule passed over, by rule.
    """

    rows: pa.Table
    rejects: pa.Table
    not_kept: dict[str, int]


def clean_batch(batch: Batch, source: Source, config: InteractionsConfig, unit: TimestampUnit) -> Cleaned:
    """Take a batch apart into rows that count, rejects with their reason, and numbers of rows that are not kept.

    Args:
        batch: Source rows with all mapped columns.
        source: Where they are from.
        config: The column mapping and the keep rules; with `timestamp_unit: auto`, times of a magnitude that speaks
            for another unit than `unit` are rejected.
        unit: Of this file's timestamps.

    Raises:
        DataContractError: If a column cannot be ids or text at all.
    """
    rows, reason = _columns(batch.table, source.url, config, unit)
    sound = pc.is_null(reason)
    kept, not_kept = _apply_keep_rules(rows, sound, config.keep)
    rows = rows.append_column("row", batch.rows)
    rows = rows.append_column("source", same_text(source.name, len(batch.rows))).filter(kept)
    return Cleaned(rows, reject_rows(batch, source.name, reason), not_kept)


def mapped_columns(columns: InteractionColumns) -> list[str]:
    """The source columns that a mapping names."""
    optional = [name for name in (columns.event, columns.weight) if name is not None]
    return list(dict.fromkeys([columns.user, columns.item, columns.timestamp, *optional, *columns.order_by]))


def _columns(table: pa.Table, url: str, config: InteractionsConfig, unit: TimestampUnit) -> tuple[pa.Table, pa.Array]:
    """The output columns of all rows, and why a row is rejected (null where it is sound)."""
    names = config.columns
    times = parse_timestamps(table[names.timestamp], unit, same_magnitude=config.timestamp_unit == "auto")
    columns = {
        "user_id": as_ids(table[names.user], f"{url}: column '{names.user}'"),
        "item_id": as_ids(table[names.item], f"{url}: column '{names.item}'"),
        "timestamp": times.microseconds.cast(TIME),
    }
    for k, name in enumerate(names.order_by):
        columns[f"order_{k}"] = as_text(table[name], f"{url}: column '{name}'")
    if names.event is not None:
        columns["event"] = as_text(table[names.event], f"{url}: column '{names.event}'")
    reasons = [
        pc.if_else(is_blank(columns["user_id"]), USER_MISSING, None),
        pc.if_else(is_blank(columns["item_id"]), ITEM_MISSING, None),
        times.reason,
    ]
    if names.weight is not None:
        columns["weight"] = as_numbers(table[names.weight])
        sound = pc.fill_null(pc.is_finite(columns["weight"]), False)
        reasons.append(pc.if_else(sound, None, BAD_WEIGHT))
    return pa.table(columns), pc.coalesce(*reasons)


def _apply_keep_rules(rows: pa.Table, sound: pa.Array, keep: KeepRules) -> tuple[pa.Array, dict[str, int]]:
    """Which rows count, and how many sound ones each rule passed over; a row counts against its first rule."""
    tests: dict[str, Any] = {}
    if keep.events and "event" in rows.column_names:
        tests["event"] = pc.is_in(rows["event"], value_set=pa.array(keep.events, pa.string()))
    if keep.min_weight is not None and "weight" in rows.column_names:
        tests["min_weight"] = pc.fill_null(pc.greater_equal(rows["weight"], keep.min_weight), False)
    kept, not_kept = sound, {}
    for rule, test in tests.items():
        left = pc.and_(kept, test.combine_chunks())
        not_kept[rule] = kept.true_count - left.true_count
        kept = left
    return kept, not_kept
