"""When each item was first interacted with."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.schemas import TIME

_SCHEMA = pa.schema({"item_id": pa.string(), "first_timestamp": TIME})


def first_interactions(files: Mapping[str, Path] | Iterable[Path]) -> pa.Table:
    """The earliest interaction of every item, from the files of an interactions artifact.

    Returns:
        item_id (string) and first_timestamp, by item id.
    """
    found = [_SCHEMA.empty_table(), *(_earliest(path) for path in interaction_paths(files))]
    first = pa.concat_tables(found).group_by("item_id").aggregate([("first_timestamp", "min")])
    columns = [first["item_id"], first["first_timestamp_min"]]
    return pa.table(columns, schema=_SCHEMA).sort_by("item_id")


def interaction_paths(files: Mapping[str, Path] | Iterable[Path]) -> list[Path]:
    """The files that hold interactions, by name: of an artifact's files those that are not rejects."""
    if not isinstance(files, Mapping):
        return list(files)
    return [files[name] for name in sorted(files) if name.endswith(".parquet") and "rejects" not in name]


def _earliest(path: Path) -> pa.Table:
    rows = pq.read_table(path, columns=["item_id", "timestamp"], partitioning=None)
    first = rows.group_by("item_id").aggregate([("timestamp", "min")])
    return pa.table([first["item_id"], first["timestamp_min"]], schema=_SCHEMA)
