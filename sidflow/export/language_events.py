"""What the log says of each event beside its item: the event's type and its weight."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.errors import ConfigError
from sidflow.export.language_tokens import neutral_text
from sidflow.histories.table import Histories
from sidflow.interactions import interaction_paths

LOGGED = ("event", "weight")

_ROWS = 500_000
_KEYS = ["user", "item", "timestamp"]


def check_logged(files: Mapping[str, Path], names: Sequence[str]) -> None:
    """Whether the log has these columns.

    Args:
        files: The interactions' files by logical name.
        names: event, weight.

    Raises:
        ConfigError: If it has not; the message names the setting that maps them.
    """
    for path in interaction_paths(files):
        for name in names:
            if name not in pq.read_schema(path).names:
                raise ConfigError(
                    f"export language-model: the log of this release has no '{name}'; allowed: hours and columns of "
                    f"the catalogue, or map interactions.columns.{name} and run again."
                )


def logged_texts(files: Mapping[str, Path], histories: Histories, names: Sequence[str]) -> dict[str, list[str]]:
    """Per name the text of every event of these histories, "" where the log is silent.

    The log is read once, batch by batch; only rows of these users stay in memory. Of several rows of the same user,
    item and time the first counts.

    Shapes: n events.

    Args:
        files: The interactions' files by logical name.
        histories: One shard.
        names: event, weight; may be empty.
    """
    if not names:
        return {}
    parts = [part for path in interaction_paths(files) for part in _rows(path, histories, names)]
    log = pa.concat_tables(parts).group_by(_KEYS, use_threads=False).aggregate([(name, "first") for name in names])
    found = _events(histories).join(log, keys=_KEYS, join_type="left outer").sort_by("position")
    return {name: _texts(found[f"{name}_first"]) for name in names}


def _rows(path: Path, histories: Histories, names: Sequence[str]) -> Iterator[pa.Table]:
    """The log's rows of these users and items, as indices."""
    users = histories.user_ids if isinstance(histories.user_ids, pa.Array) else histories.user_ids.combine_chunks()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS, columns=["user_id", "item_id", "timestamp", *names]):
            columns = {
                "user": pc.index_in(batch["user_id"], value_set=users),
                "item": pc.index_in(batch["item_id"], value_set=histories.item_ids),
                "timestamp": batch["timestamp"].cast(pa.int64()),
            }
            table = pa.table({**columns, **{name: batch[name] for name in names}})
            yield table.filter(pc.and_(pc.is_valid(table["user"]), pc.is_valid(table["item"])))


def _events(histories: Histories) -> pa.Table:
    lengths = np.diff(histories.offsets)
    columns = {
        "user": np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
        "item": np.asarray(histories.items, np.int32),
        "timestamp": histories.timestamps,
        "position": np.arange(len(histories.items)),
    }
    return pa.table(columns)


def _texts(column: pa.ChunkedArray) -> list[str]:
    """Numbers in up to ten digits, everything else neutral."""
    if pa.types.is_floating(column.type):
        return ["" if value is None else f"{value:.10g}" for value in column.to_pylist()]
    return [neutral_text(value or "") for value in column.to_pylist()]
