"""The catalogue: one row an item, sorted by id; the row number is the item's index everywhere."""

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.catalogue.rows import OWN_COLUMNS, clean_items, renamed_columns
from sidflow.config import CatalogueConfig
from sidflow.errors import DataContractError
from sidflow.schemas import TIME
from sidflow.sources import (
    REJECTS_SCHEMA,
    Source,
    TimestampUnit,
    count_reasons,
    detect_unit,
    list_sources,
    read_batches,
)

_LOG = logging.getLogger(__name__)
_BATCH_ROWS = 100_000

LATER = "available later"
UNSEEN = "no interaction yet"


@dataclass(frozen=True)
class CatalogueRead:
    """What was read.

    Attributes:
        table: item_id, title (string), available_from (UTC microseconds, null where not said), available (bool), then
            all other source columns in their order: vectors as list<float>, everything else as text, "" where there is
            none. Ascending by item_id as bytes.
        rejects: file, row, reason, raw.
        facts: source_rows, items, rejects {reason: rows}, not_yet {reason: items}, unavailable (items), empty_titles,
            columns (names of the table), renamed {source column: column}.
    """

    table: pa.Table
    rejects: pa.Table
    facts: dict[str, Any]


def read_catalogue(
    path: str,
    config: CatalogueConfig,
    first_seen: pa.Table | None,
    as_of_us: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> CatalogueRead:
    """The items that exist before `as_of_us`, from all files behind a path.

    Args:
        path: File, folder, glob or fsspec URL.
        config: The column mapping, and when an item appears.
        first_seen: item_id and first_timestamp of the interactions; needed for `appears: first_interaction`.
        as_of_us: Exclusive upper bound, UTC microseconds.
        on_progress: Called with bytes read and in total.

    Raises:
        DataContractError: If a file cannot be read, lacks a mapped column, or a column is a vector in one file and text
            in another.
    """
    sources = list_sources(path)
    total, done = sum(each.bytes for each in sources), 0
    items, rejects = [_empty_items()], [REJECTS_SCHEMA.empty_table()]
    source_rows, renamed = 0, dict[str, str]()
    for source in sources:
        unit = _unit(source, config)
        for batch in read_batches(source, _BATCH_ROWS, _mapped(config)):
            seen = pa.chunked_array([chunk for table in items for chunk in table["item_id"].chunks], pa.string())
            rows = clean_items(batch, source, config.columns, unit, seen)
            items.append(rows.items)
            rejects.append(rows.rejects)
            source_rows += len(batch.rows) + len(batch.bad)
            names = renamed_columns(batch.table.column_names, config.columns)
            renamed |= {old: new for old, new in names.items() if old != new}
            if on_progress:
                on_progress(min(done + batch.bytes_read, total), total)
        done += source.bytes
    table, not_yet = _existing(_joined(items, path), config, first_seen, as_of_us)
    rejected = pa.concat_tables(rejects)
    facts = {**_facts(table, rejected), "source_rows": source_rows, "not_yet": not_yet, "renamed": renamed}
    _LOG.info("%s: %d source rows -> %d items", path, source_rows, table.num_rows)
    return CatalogueRead(table, rejected, facts)


def write_catalogue(table: pa.Table, folder: Path) -> None:
    """Write `catalogue.parquet`."""
    pq.write_table(table, folder / "catalogue.parquet", compression="zstd")


def read_catalogue_table(files: Mapping[str, Path]) -> pa.Table:
    """The table of a catalogue artifact, one chunk a column."""
    return pq.read_table(files["catalogue.parquet"], partitioning=None).combine_chunks()


def _unit(source: Source, config: CatalogueConfig) -> TimestampUnit | None:
    """The unit of available_from in this file, by the first rows that say any."""
    name = config.columns.available_from
    if name is None:
        return None
    with closing(read_batches(source, _BATCH_ROWS, _mapped(config), only_required=True)) as batches:
        return next((unit for each in batches if (unit := detect_unit(each.table[name]))), None)


def _mapped(config: CatalogueConfig) -> list[str]:
    columns = config.columns
    names = [columns.item, columns.title, columns.available_from, columns.available]
    return list(dict.fromkeys(name for name in names if name is not None))


def _empty_items() -> pa.Table:
    kinds = (pa.string(), pa.string(), TIME, pa.bool_())
    return pa.schema(list(zip(OWN_COLUMNS, kinds, strict=True))).empty_table()


def _joined(items: list[pa.Table], path: str) -> pa.Table:
    """All items in one table sorted by id; a column that a file lacks is empty there."""
    try:
        table = pa.concat_tables(items, promote_options="default").combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataContractError(
            f"{path}: a column is a vector in one file and text in another: {' '.join(str(error).split())} "
            "Allowed is one kind in all files; mend them."
        ) from error
    for position, name in enumerate(table.column_names):
        column = table[name]
        if name not in OWN_COLUMNS and not pa.types.is_list(column.type):
            table = table.set_column(position, name, pc.fill_null(column.cast(pa.string()), ""))
    return table.take(pc.array_sort_indices(table["item_id"]))


def _existing(
    table: pa.Table, config: CatalogueConfig, first_seen: pa.Table | None, as_of_us: int
) -> tuple[pa.Table, dict[str, int]]:
    """The items that exist at the logical time, and how many do not yet."""
    as_of = pa.scalar(as_of_us, TIME)
    said = pc.is_valid(table["available_from"])
    later = pc.fill_null(pc.greater_equal(table["available_from"], as_of), False)
    unseen = pa.chunked_array([pa.repeat(False, table.num_rows)])
    if config.appears == "first_interaction":
        if first_seen is None:
            raise DataContractError(
                "catalogue.appears: first_interaction needs the times of first interactions; got none. "
                "Give them, or set catalogue.appears: always."
            )
        known = first_seen["item_id"].filter(pc.less(first_seen["first_timestamp"], as_of))
        unseen = pc.and_not(pc.invert(pc.is_in(table["item_id"], value_set=known)), said)
    not_yet = {LATER: pc.sum(later).as_py() or 0, UNSEEN: pc.sum(unseen).as_py() or 0}
    return table.filter(pc.invert(pc.or_(later, unseen))).combine_chunks(), not_yet


def _facts(table: pa.Table, rejects: pa.Table) -> dict[str, Any]:
    return {
        "items": table.num_rows,
        "rejects": count_reasons(rejects),
        "unavailable": table.num_rows - (pc.sum(table["available"]).as_py() or 0),
        "empty_titles": pc.sum(pc.equal(pc.utf8_trim_whitespace(table["title"]), "")).as_py() or 0,
        "columns": table.column_names,
    }
