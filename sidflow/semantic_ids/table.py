"""The table of semantic IDs: one short tuple of codes an item."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.errors import CorruptArtifact, ShapeError

FILE = "semantic_ids.parquet"
SIZES = b"sidflow.sizes"


@dataclass(frozen=True)
class SidTable:
    """Semantic IDs of N items over L levels, in catalogue order.

    Attributes:
        item_ids: The items' ids, (N,), string.
        codes: One code a level, (N, L), int16, each in [0, sizes[level]).
        sizes: Codes per level, a suffix level included.
        topics: Per item one topic name per prefix length, or None where no names were made.
    """

    item_ids: pa.Array
    codes: np.ndarray
    sizes: tuple[int, ...]
    topics: tuple[tuple[str, ...], ...] | None = None

    def __post_init__(self) -> None:
        rows, levels = self.codes.shape
        if rows != len(self.item_ids) or levels != len(self.sizes):
            raise ShapeError(
                f"SID table: codes are {rows} x {levels}, but there are {len(self.item_ids)} item ids "
                f"and {len(self.sizes)} levels {self.sizes}; build it from one assignment."
            )
        if self.topics is not None and len(self.topics) != rows:
            raise ShapeError(f"SID table: {len(self.topics)} rows of topic names for {rows} items; give one an item.")
        if rows and ((self.codes < 0).any() or (self.codes >= np.asarray(self.sizes)).any()):
            raise ShapeError(f"SID table: a code lies outside its level; allowed is 0 up to below {self.sizes}.")

    def digest(self) -> str:
        """SHA-256 over ids, codes and sizes, in hex: what a decoder is bound to. Topic names do not count."""
        digest = hashlib.sha256(json.dumps([list(self.sizes), self.item_ids.to_pylist()]).encode())
        digest.update(np.ascontiguousarray(self.codes, dtype="<i2").tobytes())
        return digest.hexdigest()


def read_semantic_ids(files: Mapping[str, Path]) -> SidTable:
    """The SID table in `semantic_ids.parquet`.

    Raises:
        CorruptArtifact: If the file does not say its level sizes, or its rows do not fit them.
    """
    table = pq.read_table(files[FILE], columns=["item_id", "codes", "topics"])
    stored = (table.schema.metadata or {}).get(SIZES)
    if stored is None:
        raise CorruptArtifact(
            f"{files[FILE]}: no level sizes in the schema metadata; run the stage semantic_ids again."
        )
    sizes = tuple(int(size) for size in json.loads(stored))
    flat = _one_chunk(table["codes"]).flatten().to_numpy(zero_copy_only=False)
    if len(flat) != len(table) * len(sizes):
        raise CorruptArtifact(
            f"{files[FILE]}: {len(flat)} codes for {len(table)} items of {len(sizes)} levels; "
            "run the stage semantic_ids again."
        )
    names = table["topics"]
    topics = None if names.null_count else tuple(tuple(row) for row in names.to_pylist())
    codes = np.asarray(flat, dtype=np.int16).reshape(len(table), len(sizes))
    return SidTable(_one_chunk(table["item_id"]), codes, sizes, topics)


def write_semantic_ids(table: SidTable, folder: Path) -> None:
    """Write `semantic_ids.parquet`: item_id, codes, sid ("12-7-200") and topics; sizes go to the schema metadata."""
    rows, levels = table.codes.shape
    flat = pa.array(np.ascontiguousarray(table.codes, dtype=np.int16).reshape(-1))
    codes = pa.ListArray.from_arrays(pa.array(np.arange(rows + 1) * levels, pa.int32()), flat)
    columns = [pa.array(table.codes[:, level]).cast(pa.string()) for level in range(levels)]
    topics = [None] * rows if table.topics is None else [list(names) for names in table.topics]
    schema = pa.schema(
        [
            ("item_id", pa.string()),
            ("codes", pa.list_(pa.int16())),
            ("sid", pa.string()),
            ("topics", pa.list_(pa.string())),
        ],
        metadata={SIZES: json.dumps(list(table.sizes))},
    )
    arrays = [
        table.item_ids.cast(pa.string()),
        codes,
        pc.binary_join_element_wise(*columns, "-"),
        pa.array(topics, pa.list_(pa.string())),
    ]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), folder / FILE)


def positions(item_ids: pa.Array, known_ids: pa.Array) -> np.ndarray:
    """Where each item stands among the known ones.

    Args:
        item_ids: Ids to look up, (N,).
        known_ids: Distinct ids, (M,).

    Returns:
        Row in `known_ids`, or -1 for an unknown item, (N,), int64.
    """
    found = pc.fill_null(pc.index_in(item_ids, value_set=known_ids), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """A chunked column as one array, an empty one too."""
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
