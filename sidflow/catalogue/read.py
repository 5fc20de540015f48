"""The catalogue: the items that exist at a logical time; the row number is the item's index everywhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.catalogue.rows import OWN_COLUMNS
from sidflow.schemas import TIME

LATER = "available later"
UNSEEN = "no interaction yet"


def learned_columns(items: pa.Table) -> pa.Table:
    """What learning reads of items: all columns but `available`, those that play no role sorted by name."""
    own = [name for name in OWN_COLUMNS if name != "available"]
    return items.select([*own, *sorted(set(items.column_names) - set(OWN_COLUMNS))])


def existing_items(items: pa.Table, first_seen: pa.Table | None, as_of_us: int) -> tuple[pa.Table, dict[str, int]]:
    """The items that exist at a logical time.

    Args:
        items: With item_id and available_from.
        first_seen: item_id and first_timestamp of the interactions, if an item without available_from appears with its
            first interaction; None: it is always there.
        as_of_us: Exclusive upper bound, UTC microseconds.

    Returns:
        Those items, and how many do not exist yet, by reason.
    """
    as_of = pa.scalar(as_of_us, TIME)
    said = pc.is_valid(items["available_from"])
    later = pc.fill_null(pc.greater_equal(items["available_from"], as_of), False)
    unseen = pa.chunked_array([pa.repeat(False, items.num_rows)])
    if first_seen is not None:
        known = first_seen["item_id"].filter(pc.less(first_seen["first_timestamp"], as_of))
        unseen = pc.and_not(pc.invert(pc.is_in(items["item_id"], value_set=known)), said)
    not_yet = {LATER: pc.sum(later).as_py() or 0, UNSEEN: pc.sum(unseen).as_py() or 0}
    return items.filter(pc.invert(pc.or_(later, unseen))).combine_chunks(), not_yet


def catalogue_facts(table: pa.Table, not_yet: dict[str, int]) -> dict[str, Any]:
    """items, not_yet {reason: items}, empty_titles and columns (names) of a catalogue."""
    return {
        "items": table.num_rows,
        "not_yet": not_yet,
        "empty_titles": pc.sum(pc.equal(pc.utf8_trim_whitespace(table["title"]), "")).as_py() or 0,
        "columns": table.column_names,
    }


def write_catalogue(table: pa.Table, folder: Path) -> None:
    """Write `catalogue.parquet`."""
    pq.write_table(table, folder / "catalogue.parquet", compression="zstd")


def read_catalogue_table(files: Mapping[str, Path]) -> pa.Table:
    """The table of a catalogue artifact, one chunk a column."""
    return pq.read_table(files["catalogue.parquet"], partitioning=None).combine_chunks()
