"""Histories: every user's items in time order, and the files that hold them."""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sidflow.errors import CorruptArtifact, ShapeError
from sidflow.schemas import HISTORIES

IN_MEMORY = 64 << 20
"""Bytes of a column up to which several shards are joined in memory, and not in a file beside them."""


@dataclass(frozen=True)
class Histories:
    """All users' histories, sorted by user id.

    Shapes: u users, n events, N catalogue items.

    Attributes:
        user_ids: (u,) string, ascending by bytes.
        offsets: (u + 1,) int64; user k's events are [offsets[k], offsets[k + 1]).
        items: (n,) int32 catalogue indices, in time order per user.
        timestamps: (n,) int64 UTC microseconds.
        n_train: (u,) int32; the first n_train events of a user may be learned from.
        n_validation: (u,) int32; the next n_validation events are for validation, the rest for test.
        item_ids: (N,) string, the catalogue's ids by index.
    """

    user_ids: pa.ChunkedArray | pa.Array
    offsets: npt.NDArray[np.int64]
    items: npt.NDArray[np.int32]
    timestamps: npt.NDArray[np.int64]
    n_train: npt.NDArray[np.int32]
    n_validation: npt.NDArray[np.int32]
    item_ids: pa.Array

    def __post_init__(self) -> None:
        users, events = len(self.user_ids), len(self.items)
        if len(self.offsets) != users + 1 or len(self.n_train) != users or len(self.n_validation) != users:
            raise ShapeError(
                f"histories: {users} users need {users + 1} offsets and {users} splits, "
                f"got {len(self.offsets)}, {len(self.n_train)} and {len(self.n_validation)}."
            )
        if self.offsets[0] != 0 or self.offsets[-1] != events or len(self.timestamps) != events:
            raise ShapeError(
                f"histories: offsets run from {self.offsets[0]} to {self.offsets[-1]} and there are "
                f"{len(self.timestamps)} timestamps; {events} items need 0 to {events} and {events}."
            )


def read_histories(files: Mapping[str, Path]) -> Histories:
    """The histories of an artifact, memory-mapped; what several shards hold is joined, in a file where it is large.

    Args:
        files: The artifact's files by logical name: `items.arrow` and `histories-00000.arrow` onwards.

    Raises:
        CorruptArtifact: If the item ids or all shards are missing.
    """
    names = sorted(name for name in files if name.startswith("histories-"))
    if not names or "items.arrow" not in files:
        raise CorruptArtifact(f"histories: needs items.arrow and histories-00000.arrow, got {sorted(files)}.")
    shards = [_read_table(files[name]) for name in names]
    items, near = [_values(shard["items"]) for shard in shards], files[names[0]].parent
    lengths = np.concatenate([np.diff(_offsets(shard["items"])) for shard in shards])
    return Histories(
        user_ids=pa.chunked_array([chunk for shard in shards for chunk in shard["user_id"].chunks], pa.string()),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=_joined(items, near),
        timestamps=_joined([_values(shard["timestamps"]) for shard in shards], near),
        n_train=_joined([_only_chunk(shard["n_train"]).to_numpy() for shard in shards], near),
        n_validation=_joined([_only_chunk(shard["n_validation"]).to_numpy() for shard in shards], near),
        item_ids=_only_chunk(_read_table(files["items.arrow"])["item_id"]),
    )


def write_histories(histories: Histories, folder: Path, users_per_shard: int) -> None:
    """Write `items.arrow` and `histories-00000.arrow` ..., uncompressed Arrow IPC, users_per_shard users each."""
    _write_table(pa.table({"item_id": histories.item_ids}), folder / "items.arrow")
    users = len(histories.user_ids)
    for shard, first in enumerate(range(0, max(users, 1), users_per_shard)):
        last = min(first + users_per_shard, users)
        _write_table(_shard(histories, first, last), folder / f"histories-{shard:05d}.arrow")


def training_events(
    histories: Histories,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Only the events that may be learned from, repacked.

    Shapes: u users, m training events.

    Returns:
        Offsets (u + 1,) int64, items (m,) int32 and timestamps (m,) int64; users without training events stay, empty.
    """
    offsets = np.concatenate([[0], np.cumsum(histories.n_train, dtype=np.int64)])
    starts = np.repeat(histories.offsets[:-1] - offsets[:-1], histories.n_train)
    index = starts + np.arange(offsets[-1])
    return offsets, histories.items[index], histories.timestamps[index]


def _shard(histories: Histories, first: int, last: int) -> pa.Table:
    begin, end = histories.offsets[first], histories.offsets[last]
    offsets = pa.array(histories.offsets[first : last + 1] - begin)
    columns = {
        "user_id": histories.user_ids.slice(first, last - first),
        "items": pa.LargeListArray.from_arrays(offsets, pa.array(histories.items[begin:end], pa.int32())),
        "timestamps": pa.LargeListArray.from_arrays(offsets, pa.array(histories.timestamps[begin:end], pa.int64())),
        "n_train": pa.array(histories.n_train[first:last], pa.int32()),
        "n_validation": pa.array(histories.n_validation[first:last], pa.int32()),
    }
    return pa.table(columns, schema=HISTORIES).combine_chunks()


def _write_table(table: pa.Table, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _read_table(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _only_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], column.type)])


def _offsets(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    return np.asarray(_only_chunk(column).offsets.to_numpy())


def _values(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    return np.asarray(_only_chunk(column).flatten().to_numpy())


def _joined(arrays: list[npt.NDArray[Any]], near: Path) -> npt.NDArray[Any]:
    """One array of all: the only one itself, a copy in memory, or one that the system can put out of memory again."""
    if len(arrays) == 1:
        return arrays[0]
    if sum(each.nbytes for each in arrays) < IN_MEMORY:
        return np.concatenate(arrays)
    folder = near if os.access(near, os.W_OK) else None
    with tempfile.TemporaryFile(dir=folder) as file:  # has no name: it is gone with the last array that reads it
        for each in arrays:
            file.write(np.ascontiguousarray(each).data)
        file.flush()
        return np.asarray(np.memmap(file, arrays[0].dtype, "r"))
