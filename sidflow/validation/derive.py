"""Columns to judge, derived from batches by Arrow and numpy: numbers are judged much faster than text or lists."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.validation.batches import ITEMS
from sidflow.validation.engine import Columns
from sidflow.validation.tallies import level_sizes

Values = npt.NDArray[Any]


def interaction_columns(batch: pa.RecordBatch) -> Columns:
    """Bytes of the ids, and the time in UTC microseconds."""
    return {
        "user_bytes": text_bytes(batch["user_id"]),
        "item_bytes": text_bytes(batch["item_id"]),
        "timestamp": numbers(batch["timestamp"].cast(pa.int64())),
    }


def catalogue_columns(batch: pa.RecordBatch) -> Columns:
    """Bytes of the id."""
    return {"item_bytes": text_bytes(batch["item_id"])}


def history_columns(batch: pa.RecordBatch) -> Columns:
    """Per user: events, timestamps beyond them, items outside the catalogue, steps back in time, and the split."""
    offsets, items = _list_parts(batch["items"])
    time_offsets, times = _list_parts(batch["timestamps"])
    events = np.diff(offsets)
    known = int((batch.schema.metadata or {})[ITEMS])
    backwards = np.diff(times, prepend=times[:1]) < 0
    starts = time_offsets[:-1]
    backwards[starts[starts < len(times)]] = False
    train, validation = numbers(batch["n_train"]), numbers(batch["n_validation"])
    return {
        "user_bytes": text_bytes(batch["user_id"]),
        "events": events,
        "timestamps_beyond": np.diff(time_offsets) - events,
        "unknown_items": _sums((items < 0) | (items >= known), offsets),
        "steps_back": _sums(backwards, time_offsets),
        "n_train": train,
        "n_validation": validation,
        "n_test": events - train - validation,
    }


def pair_columns(batch: pa.RecordBatch) -> Columns:
    """The numbers of the test, the tier, and whether the first item comes before the second."""
    ordered = pc.less(batch["item_a"].cast(pa.large_binary()), batch["item_b"].cast(pa.large_binary()))
    names = ("support", "expected", "pmi", "p_value", "weight")
    return {
        **{name: numbers(batch[name]) for name in names},
        "ordered": flags(ordered),
        "tier": np.asarray(batch["tier"].to_numpy(zero_copy_only=False), object),
    }


def embedding_columns(batch: pa.RecordBatch) -> Columns:
    """Bytes of the id, whether all numbers of the vector are there and finite, and its norm (1 if they are not)."""
    column = batch["vector"]
    squares = np.full(len(column), np.nan)
    vectors = numbers(column.flatten()).reshape(-1, column.type.list_size)
    squares[numbers(column.is_valid())] = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
    finite = np.isfinite(squares)
    return {
        "item_bytes": text_bytes(batch["item_id"]),
        "finite": finite.astype(np.int64),
        "norm": np.sqrt(np.where(finite, squares, 1)),
    }


def sid_columns(batch: pa.RecordBatch) -> Columns:
    """Levels too many or too few, codes outside their level, and whether the text says the same as the codes."""
    sizes = np.asarray(level_sizes(batch.schema))
    offsets, codes = _list_parts(batch["codes"])
    level = np.arange(len(codes)) - np.repeat(offsets[:-1], np.diff(offsets))
    size = sizes[np.minimum(level, len(sizes) - 1)]
    written = pc.binary_join(_as_text(offsets, codes), "-")
    return {
        "item_bytes": text_bytes(batch["item_id"]),
        "levels_beyond": np.diff(offsets) - len(sizes),
        "codes_outside": _sums((codes < 0) | (codes >= size), offsets),
        "says_codes": flags(pc.equal(batch["sid"], written)),
    }


def dataset_columns(batch: pa.RecordBatch) -> Columns:
    """Whether the SID table and the histories mean the same item by an index."""
    return {"same_item": flags(pc.equal(batch["item_id"], batch["indexed_id"]))}


def text_bytes(column: pa.Array) -> Values:
    """Length of each text in bytes; 0 if it is missing."""
    return numbers(pc.fill_null(pc.binary_length(column), 0))


def numbers(column: pa.Array) -> Values:
    """A numeric column; missing values as NaN."""
    return np.asarray(column.to_numpy(zero_copy_only=False))


def flags(column: pa.Array) -> Values:
    """A truth column as 1 and 0; missing is 0."""
    return numbers(pc.fill_null(column, False)).astype(np.int64)


def _list_parts(column: pa.Array) -> tuple[Values, Values]:
    """Offsets from 0 and flat values of a list column; a missing list counts as empty."""
    lengths = numbers(pc.fill_null(pc.list_value_length(column), 0)).astype(np.int64)
    return np.concatenate([[0], np.cumsum(lengths)]), numbers(column.flatten())


def _sums(marks: Values, offsets: Values) -> Values:
    """How many marks each list has."""
    running = np.concatenate([[0], np.cumsum(marks, dtype=np.int64)])
    sums: Values = running[offsets[1:]] - running[offsets[:-1]]
    return sums


def _as_text(offsets: Values, codes: Values) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(codes).cast(pa.string()))
