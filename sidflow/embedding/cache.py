"""Vectors by content key, kept between runs: a shortcut that may vanish at any time without changing a result.

A cache is a folder of immutable Arrow files. A write adds a file under a name of its own, so that writers never
meet; a file that is gone, cut short or foreign is passed over, and its vectors are encoded again.
"""

import logging
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

logger = logging.getLogger(__name__)

KEY: Final = pa.binary(32)
SUFFIX: Final = ".vectors.arrow"
TOLERANCE: Final = 1e-3
DAY_SECONDS: Final = 86_400


@dataclass
class Encoded:
    """Vectors of n texts, as far as they are known.

    Attributes:
        vectors: Unit vectors (n, d) float32; d is 0 while none is known.
        cut: Which texts were longer than the encoder reads, (n,) bool.
        known: Which rows there are, (n,) bool.
    """

    vectors: npt.NDArray[np.float32]
    cut: npt.NDArray[np.bool_]
    known: npt.NDArray[np.bool_]

    def put(self, rows: npt.NDArray[np.intp], vectors: npt.NDArray[np.float32], cut: npt.NDArray[np.bool_]) -> None:
        """Fill in rows; the first ones decide on the dimensions."""
        if not self.vectors.shape[1]:
            self.vectors = np.zeros((len(self.known), vectors.shape[1]), np.float32)
        self.vectors[rows], self.cut[rows], self.known[rows] = vectors, cut, True


def find_vectors(folder: Path | None, keys: pa.Array) -> Encoded:
    """What a cache has of some keys.

    Args:
        folder: The cache; None for none.
        keys: n keys of 32 bytes, distinct.
    """
    found = Encoded(np.zeros((len(keys), 0), np.float32), np.zeros(len(keys), np.bool_), np.zeros(len(keys), np.bool_))
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder else ():
        try:
            with pa.memory_map(str(path)) as source:
                _take(pa.ipc.open_file(source).read_all(), keys, found)
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            logger.debug("embedding cache: %s is passed over: %s", path, error)
    return found


def keep_vectors(
    folder: Path | None, keys: pa.Array, vectors: npt.NDArray[np.float32], cut: npt.NDArray[np.bool_]
) -> None:
    """Add n vectors (n, d) to a cache in a file of their own, whole or not at all."""
    if folder is None or not len(keys):
        return
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
    columns = [keys, pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1]), pa.array(cut, pa.bool_())]
    batch = pa.record_batch(columns, ["key", "vector", "cut"])
    path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as sink:
        with pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        sink.flush()
        os.fsync(sink.fileno())
    temporary.replace(path)


def _take(table: pa.Table, keys: pa.Array, found: Encoded) -> None:
    """Copy what a file has of the keys that are still missing."""
    missing = np.flatnonzero(~found.known)
    at = pc.index_in(keys.take(pa.array(missing)), value_set=table["key"].combine_chunks())
    rows = missing[at.is_valid().to_numpy(zero_copy_only=False)]
    stored = at.drop_null()
    if not len(rows):
        return
    column = table["vector"].combine_chunks()
    vectors = column.take(stored).flatten().to_numpy().reshape(len(rows), column.type.list_size)
    # A file may be whole and its bytes still rotten; only unit vectors are believed.
    sound = np.abs(np.linalg.norm(vectors, axis=1) - 1) < TOLERANCE
    found.put(rows[sound], vectors[sound], table["cut"].take(stored).to_numpy()[sound])


def _sweep(folder: Path) -> None:
    """Remove what killed writers left behind a day ago or earlier."""
    for path in folder.glob("*.part"):
        try:
            if time.time() - path.stat().st_mtime > DAY_SECONDS:
                path.unlink()
        except FileNotFoundError:
            continue  # another writer swept it
