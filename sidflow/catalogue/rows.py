"""One batch of item rows: which are items, which are broken, and what their columns say."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.config.inputs import CatalogueColumns
from sidflow.schemas import TIME
from sidflow.sources import (
    Batch,
    Source,
    TimestampUnit,
    as_ids,
    as_text,
    is_blank,
    is_vector,
    parse_timestamps,
    reject_rows,
)

ID_MISSING = "item id missing"
DUPLICATE_ID = "duplicate item id"
NO_TEXT = "no title and no other text"
BAD_FLAG = "available is neither true nor false"
OWN_COLUMNS = ("item_id", "title", "available_from", "available")

_TRUE, _FALSE = ("", "true", "t", "yes", "y", "1", "1.0"), ("false", "f", "no", "n", "0", "0.0")
_FLAGS = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)


class ItemRows(NamedTuple):
    """Items and rejects of one batch."""

    items: pa.Table
    rejects: pa.Table


def clean_items(
    batch: Batch, source: Source, columns: CatalogueColumns, unit: TimestampUnit | None, seen: pa.ChunkedArray
) -> ItemRows:
    """Take a batch apart into items and rejects.

    Args:
        batch: Rows with all mapped columns.
        source: Where they are from.
        columns: The column mapping.
        unit: Of `available_from`, if it is mapped.
        seen: Ids of the items before this batch; the first row of an id counts.

    Returns:
        Items with item_id, title, available_from, available and all other columns: vectors as list<float>, everything
        else as text, columns without any value as nulls; columns of bytes that are not UTF-8 are left out.
    """
    present = batch.table.column_names
    content = {  # by position: of columns that share a name, the first counts
        new: _content(batch.table.column(present.index(old)), f"{source.url}: column '{old}'")
        for old, new in renamed_columns(present, columns).items()
        if _is_text_or_vector(batch.table.column(present.index(old)))
    }
    ids = as_ids(batch.table[columns.item], f"{source.url}: column '{columns.item}'")
    title = as_text(batch.table[columns.title], f"{source.url}: column '{columns.title}'")
    available_from, late_reason = _available_from(batch.table, columns, unit)
    available, flag_reason = available_flags(batch.table, columns, source.url)
    empty = pc.and_(is_blank(title), _all_blank(content, len(ids)))
    reason = pc.coalesce(
        pc.if_else(is_blank(ids), ID_MISSING, None), late_reason, flag_reason, pc.if_else(empty, NO_TEXT, None)
    )
    known = pc.or_(pc.is_in(ids, value_set=seen), _is_repeat(ids, pc.is_null(reason)))
    reason = pc.coalesce(reason, pc.if_else(known, DUPLICATE_ID, None))
    own = dict(zip(OWN_COLUMNS, (ids, pc.fill_null(title, ""), available_from, available), strict=True))
    return ItemRows(pa.table({**own, **content}).filter(pc.is_null(reason)), reject_rows(batch, source.name, reason))


def renamed_columns(names: list[str], columns: CatalogueColumns) -> dict[str, str]:
    """The name in the catalogue of each source column that plays no role.

    A column that is called like one of the catalogue's own, but is not mapped to it, becomes `source_<name>`.
    """
    roles = {columns.item, columns.title, columns.available_from, columns.available}
    renamed: dict[str, str] = {}
    for name in names:
        if name in roles or name in renamed:
            continue
        new = name
        while new in OWN_COLUMNS or (new != name and new in names):
            new = f"source_{new}"
        renamed[name] = new
    return renamed


def _is_text_or_vector(column: pa.ChunkedArray) -> bool:
    """False for bytes that are not UTF-8: pictures, pickles."""
    if not (pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)):
        return not pa.types.is_fixed_size_binary(column.type)
    try:
        column.cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True


def _content(column: pa.ChunkedArray, where: str) -> pa.Array:
    if is_vector(column.type):
        return column.cast(pa.list_(pa.float32())).combine_chunks()
    if column.null_count == len(column):
        return pa.nulls(len(column))
    return pc.fill_null(as_text(column, where), "")


def _available_from(
    table: pa.Table, columns: CatalogueColumns, unit: TimestampUnit | None
) -> tuple[pa.Array, pa.Array]:
    """When each item becomes available (null: not said), and what is wrong with that."""
    if columns.available_from is None:
        return pa.nulls(table.num_rows, TIME), pa.nulls(table.num_rows, pa.string())
    times = parse_timestamps(table[columns.available_from], unit or "iso8601")
    said_nothing = pc.equal(times.reason, "timestamp missing")
    reason = pc.if_else(pc.fill_null(said_nothing, False), None, times.reason)
    return times.microseconds.cast(TIME), pc.binary_join_element_wise("available_from", reason, ": ")


def available_flags(table: pa.Table, columns: CatalogueColumns, url: str) -> tuple[pa.Array, pa.Array]:
    """Whether each item may be recommended (blank: it may), and what is wrong with that."""
    if columns.available is None:
        return pa.repeat(True, table.num_rows), pa.nulls(table.num_rows, pa.string())
    text = as_text(table[columns.available], f"{url}: column '{columns.available}'")
    text = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(text, "")))
    place = pc.index_in(text, value_set=pa.array(list(_FLAGS)))
    return pa.array(list(_FLAGS.values())).take(place), pc.if_else(pc.is_null(place), BAD_FLAG, None)


def _all_blank(content: Mapping[str, Any], count: int) -> pa.Array:
    blank = pa.repeat(True, count)
    for column in content.values():
        here = is_blank(column) if pa.types.is_string(column.type) else pc.is_null(column)
        blank = pc.and_(blank, here)
    return blank


def _is_repeat(ids: pa.Array, sound: pa.Array) -> pa.Array:
    """Sound rows whose id a sound row of the same batch already has."""
    rows = pa.table({"id": ids, "row": pa.array(range(len(ids)), pa.int64())}).filter(sound)
    firsts = rows.group_by("id").aggregate([("row", "min")])["row_min"]
    return pc.and_(sound, pc.invert(pc.is_in(pa.array(range(len(ids)), pa.int64()), value_set=firsts)))
