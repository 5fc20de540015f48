"""The item files: one row an item, sorted by id, with what is broken set aside."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.catalogue.rows import OWN_COLUMNS, clean_items, renamed_columns
from sidflow.config import CatalogueConfig
from sidflow.errors import DataContractError
from sidflow.schemas import TIME
from sidflow.sources import (
    REJECTS_SCHEMA,
    Source,
    TimestampUnit,
    count_reasons,
    counted,
    detect_unit,
    list_sources,
    read_batches,
)

_LOG = logging.getLogger(__name__)
_BATCH_ROWS = 100_000


@dataclass(frozen=True)
class ItemsRead:
    """What was read.

    Attributes:
        table: item_id, title (string), available_from (UTC microseconds, null where not said), available (bool), then
            all other source columns in their order: vectors as list<float>, everything else as text, "" where there is
            none. Ascending by item_id as bytes.
        rejects: file, row, reason, raw.
        facts: source_rows, items, rejects {reason: rows}, unavailable (items), renamed {source column: column}.
    """

    table: pa.Table
    rejects: pa.Table
    facts: dict[str, Any]


def read_items(path: str, config: CatalogueConfig, on_progress: Callable[[int, int], None] | None = None) -> ItemsRead:
    """The items of all files behind a path, whenever they appear.

    Args:
        path: File, folder, glob or fsspec URL.
        config: The column mapping.
        on_progress: Called with bytes read and in total.

    Raises:
        DataContractError: If a file cannot be read, lacks a mapped column, or a column is a vector in one file and text
            in another.
    """
    sources = list_sources(path)
    total, done = sum(each.bytes for each in sources), 0
    items, rejects = [_empty_items()], [REJECTS_SCHEMA.empty_table()]
    source_rows, renamed, left_out = 0, dict[str, str](), set[str]()
    for source in sources:
        unit = _unit(source, config)
        for batch in read_batches(source, _BATCH_ROWS, _mapped(config)):
            seen = pa.chunked_array([chunk for table in items for chunk in table["item_id"].chunks], pa.string())
            rows = clean_items(batch, source, config.columns, unit, seen)
            items.append(rows.items)
            rejects.append(rows.rejects)
            source_rows += len(batch.rows) + len(batch.bad)
            names = renamed_columns(batch.table.column_names, config.columns)
            left_out |= set(names.values()) - set(rows.items.column_names)
            renamed |= {old: new for old, new in names.items() if old != new}
            if on_progress:
                on_progress(min(done + batch.bytes_read, total), total)
        done += source.bytes
    table, rejected = join_items(items, path), pa.concat_tables(rejects)
    table = table.select([name for name in table.column_names if name not in left_out])
    facts = {
        "source_rows": source_rows,
        "items": table.num_rows,
        "rejects": count_reasons(rejected),
        "unavailable": table.num_rows - (pc.sum(table["available"]).as_py() or 0),
        "renamed": renamed,
        "left_out": sorted(left_out),
    }
    lost = f"; rejected: {counted(facts['rejects'])}" if facts["rejects"] else ""
    lost += f"; left out, neither text nor numbers: {', '.join(sorted(left_out))}" if left_out else ""
    _LOG.info("%s: %s source rows -> %s items%s", path, f"{source_rows:,}", f"{table.num_rows:,}", lost)
    return ItemsRead(table, rejected, facts)


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


def join_items(items: list[pa.Table], path: str) -> pa.Table:
    """All items in one table sorted by id; a column that a file lacks is empty there."""
    try:
        table = pa.concat_tables(items, promote_options="default").combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataContractError(
            f"{path}: a column is a vector in one file and text in another: {' '.join(str(error).split())}. "
            "Allowed is one kind in all files; mend them."
        ) from error
    for position, name in enumerate(table.column_names):
        column = table[name]
        if name not in OWN_COLUMNS and not pa.types.is_list(column.type):
            table = table.set_column(position, name, pc.fill_null(column.cast(pa.string()), ""))
    return table.take(pc.array_sort_indices(table["item_id"]))
