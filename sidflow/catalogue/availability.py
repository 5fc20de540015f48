"""Which items may be recommended: as a release knows it, and as the catalogue's files say now."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.catalogue.rows import available_flags
from sidflow.config.inputs import CatalogueColumns
from sidflow.schemas import AVAILABILITY
from sidflow.sources import Source, as_ids, is_blank, read_batches

_LOG = logging.getLogger(__name__)
_BATCH_ROWS = 200_000
MOST_GONE = 0.5
"""A source that lacks a larger share of a release's items is taken for another or an unfinished catalogue."""


def availability_of(items: pa.Table, item_ids: pa.Array) -> pa.Table:
    """item_id and available of the items of a catalogue; one that `items` lacks is not available."""
    flags = pc.take(items["available"].combine_chunks(), pc.index_in(item_ids, value_set=items["item_id"]))
    return pa.table([item_ids, pc.fill_null(flags, False)], schema=AVAILABILITY)


def write_availability(table: pa.Table, folder: Path) -> None:
    """Write `availability.parquet`."""
    pq.write_table(table, folder / "availability.parquet", compression="zstd")


def read_availability(files: Mapping[str, Path]) -> pa.Table:
    """item_id and available of a release, from its availability; of one made before there was that kind, from its
    catalogue, where no column means that every item is."""
    if "availability.parquet" in files:
        return pq.read_table(files["availability.parquet"], partitioning=None).combine_chunks()
    table = pq.read_table(files["catalogue.parquet"], partitioning=None)
    if "available" not in table.column_names:
        table = table.append_column("available", pa.array(np.ones(table.num_rows, dtype=bool)))
    return table.select(["item_id", "available"]).combine_chunks()


def read_flags(sources: Sequence[Source], columns: CatalogueColumns) -> pa.Table:
    """item_id and available as the files say now; only those two columns are read of Parquet.

    The first row of an id whose flag can be read counts, as in a run; an item without such a row is not in the table.

    Raises:
        DataContractError: If a file cannot be read, or lacks a mapped column.
    """
    wanted = [name for name in (columns.item, columns.available) if name is not None]
    found = [AVAILABILITY.empty_table()]
    for source in sources:
        for batch in read_batches(source, _BATCH_ROWS, wanted, only_required=True):
            ids = as_ids(batch.table[columns.item], f"{source.url}: column '{columns.item}'")
            available, reason = available_flags(batch.table, columns, source.url)
            sound = pc.and_(pc.invert(is_blank(ids)), pc.is_null(reason))
            found.append(pa.table([ids, available], schema=AVAILABILITY).filter(sound))
    rows = pa.concat_tables(found).group_by("item_id", use_threads=False).aggregate([("available", "first")])
    return pa.table([rows["item_id"], rows["available_first"]], schema=AVAILABILITY)


def mask_items(item_ids: pa.Array, released: pa.Table, now: pa.Table) -> npt.NDArray[np.bool_]:
    """Which of a release's items may be recommended now.

    Args:
        item_ids: The items, (N,) string.
        released: item_id and available as of the release.
        now: The same as the catalogue's files say it.

    Returns:
        (N,) bool. What is marked unavailable, or is gone, may not be recommended; if most items are gone, the files are
        taken for another or an unfinished catalogue and those that it lacks are as the release knew them.
    """
    before = _flags(item_ids, released, missing=True)
    gone = pc.is_null(pc.index_in(item_ids, value_set=now["item_id"])).to_numpy(zero_copy_only=False)
    if (share := float(gone.mean()) if len(gone) else 0.0) > MOST_GONE:
        _LOG.warning(
            "The catalogue lacks %.0f%% of this release's items, or has no readable flag for them: it looks like "
            "another catalogue, or an unfinished file. Only what it marks as unavailable is withdrawn. Check "
            "catalogue.path and catalogue.columns.available.",
            100 * share,
        )
        return np.where(gone, before, _flags(item_ids, now, missing=True))
    allowed = _flags(item_ids, now, missing=False)
    withdrawn, returned = int((before & ~allowed).sum()), int((allowed & ~before).sum())
    if withdrawn or returned:
        _LOG.info("%s since the release.", _counted(withdrawn, returned))
    return allowed


def _flags(item_ids: pa.Array, table: pa.Table, missing: bool) -> npt.NDArray[np.bool_]:
    """The table's flags in the order of `item_ids`."""
    place = pc.index_in(item_ids, value_set=table["item_id"])
    flags = pc.take(table["available"].combine_chunks(), place)
    return np.asarray(pc.fill_null(flags, missing).to_numpy(zero_copy_only=False), dtype=bool)


def _counted(withdrawn: int, returned: int) -> str:
    parts = []
    for count, verb in ((withdrawn, "withdrawn"), (returned, "made available again")):
        if count:
            parts.append(f"{count:,} {'item was' if count == 1 else 'items were'} {verb}")
    return " and ".join(parts)
