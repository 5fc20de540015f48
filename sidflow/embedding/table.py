"""The embeddings of a catalogue, and the one file they live in."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from sidflow.errors import CorruptArtifact, ShapeError
from sidflow.schemas import embeddings_schema

FILE = "embeddings.arrow"


@dataclass(frozen=True)
class Embeddings:
    """One unit vector an item.

    Shapes: N items, d dimensions.

    Attributes:
        item_ids: The catalogue's ids by index, (N,), string.
        vectors: Unit vectors, (N, d), float32; memory-mapped and read-only when read from a file.
    """

    item_ids: pa.Array
    vectors: np.ndarray

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.item_ids) != len(self.vectors):
            raise ShapeError(
                f"embeddings: {len(self.item_ids)} item ids and vectors of shape {self.vectors.shape}; "
                "allowed is one row of vectors an item. Embed the catalogue that the ids come from."
            )


def read_embeddings(files: Mapping[str, Path]) -> Embeddings:
    """The embeddings in `embeddings.arrow`, memory-mapped: nothing is read until it is used.

    Args:
        files: Local path by logical file name.

    Raises:
        CorruptArtifact: If the file is no Arrow file of embeddings.
    """
    path = files[FILE]
    try:
        # The arrays keep the mapping alive; it closes with the last of them.
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        ids, vectors = _one_chunk(table["item_id"]), _one_chunk(table["vector"])
        dim = vectors.type.list_size
    except (pa.ArrowInvalid, KeyError, AttributeError) as error:
        raise CorruptArtifact(
            f"{path}: not a file of embeddings ({error}). Embed again with --refresh embeddings."
        ) from None
    return Embeddings(ids, vectors.flatten().to_numpy(zero_copy_only=True).reshape(-1, dim))


def write_embeddings(embeddings: Embeddings, folder: Path) -> None:
    """Write `embeddings.arrow`: uncompressed Arrow IPC in one record batch, so that it maps back without a copy."""
    dim = embeddings.vectors.shape[1]
    flat = pa.array(np.ascontiguousarray(embeddings.vectors, dtype=np.float32).reshape(-1))
    ids = embeddings.item_ids.cast(pa.string())
    columns = [ids, pa.FixedSizeListArray.from_arrays(flat, dim)]
    schema = embeddings_schema(dim)
    with pa.ipc.new_file(str(folder / FILE), schema) as writer:
        writer.write_batch(pa.record_batch(columns, schema=schema))


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """The array of a column; `combine_chunks` would copy even a single chunk out of the mapping."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
