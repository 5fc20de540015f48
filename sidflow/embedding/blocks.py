"""Blocks of a vector: text, and precomputed vectors such as those of images or audio."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.errors import ConfigError, DataContractError


def join_blocks(blocks: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Unit blocks side by side, as unit vectors.

    Every block weighs 1/sqrt(blocks), so that a dot product is the mean of the blocks' cosines; where an item lacks
    a block, the others share its weight.

    Args:
        blocks: Unit or zero rows, (N, d) each; at least one block of every item is not zero.
    """
    if len(blocks) == 1:
        return blocks[0]
    joined = np.concatenate(blocks, axis=1)
    return _unit(joined)


def read_block(catalogue: pa.Table, name: str) -> tuple[npt.NDArray[np.float32], int]:
    """The unit vectors in a catalogue column.

    Args:
        catalogue: N items.
        name: A column of lists of numbers, equally long.

    Returns:
        Vectors (N, d), zero where an item has none, and how many items have none: no list, an empty one, or one that
        is zero or not finite.

    Raises:
        ConfigError: If there is no such column, or it holds no lists of numbers.
        DataContractError: If two lists differ in length.
    """
    column = _column(catalogue, name)
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False), np.int64)
    has = lengths > 0
    sizes = np.unique(lengths[has])
    if len(sizes) > 1:
        row = int(np.flatnonzero(lengths == sizes[-1])[0])
        raise DataContractError(
            f"catalogue column '{name}': vectors of {sizes[0]} and of {sizes[-1]} numbers "
            f"(item {catalogue['item_id'][row].as_py()!r}); allowed is one length. Mend the column, or take it out of "
            "embedding.vectors."
        )
    if not len(sizes):
        raise DataContractError(f"catalogue column '{name}': no item has a vector. Take it out of embedding.vectors.")
    block = np.zeros((len(column), int(sizes[0])), np.float32)
    flat = column.filter(pa.array(has)).flatten().cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False)
    block[has] = flat.reshape(-1, block.shape[1])
    block[~np.isfinite(block).all(axis=1)] = 0
    return _unit(block), int((~block.any(axis=1)).sum())


def _column(catalogue: pa.Table, name: str) -> pa.Array:
    if name not in catalogue.column_names:
        raise ConfigError(
            f"embedding.vectors: the catalogue has no column '{name}'; "
            f"it has: {', '.join(sorted(catalogue.column_names))}. Name one that holds vectors, or none."
        )
    column = catalogue[name].combine_chunks()
    is_list = pa.types.is_list(column.type) or pa.types.is_large_list(column.type)
    if not (is_list or pa.types.is_fixed_size_list(column.type)) or not _is_number(column.type.value_type):
        raise ConfigError(
            f"embedding.vectors: column '{name}' is {column.type}; "
            "allowed are lists of numbers, as Parquet and JSON Lines have them."
        )
    return column


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rows divided by their norms; zero rows stay."""
    # Scaled by the largest entry first: the squares of tiny or huge numbers do not fit float32.
    largest = np.abs(rows).max(axis=1, initial=0, keepdims=True)
    scaled = rows / np.where(largest > 0, largest, 1)
    norms = np.linalg.norm(scaled, axis=1, keepdims=True)
    unit: npt.NDArray[np.float32] = (scaled / np.where(norms > 0, norms, 1)).astype(np.float32)
    return unit
