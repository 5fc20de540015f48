"""Facts of a whole table, computed by Arrow while its batches stream by."""

import json
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


class Tally(Protocol):
    """A fact that grows with every batch."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Take account of a batch."""

    def value(self) -> Any:
        """The fact so far, as plain JSON."""


class OutOfOrder:
    """Rows whose key is not above that of the row before, by bytes. None means sorted, and every key once."""

    def __init__(self, *keys: str):
        self.keys = keys
        self.count = 0
        self._last: pa.RecordBatch | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Compare each row with the one before it, the last of the previous batch included."""
        if not batch.num_rows:
            return
        keys = pa.RecordBatch.from_arrays([_binary(batch[key]) for key in self.keys], list(self.keys))
        if self._last is not None:
            keys = pa.concat_batches([self._last, keys])
        self._last = keys.slice(keys.num_rows - 1)
        ascending: Any = pa.scalar(False)
        for key in reversed(self.keys):
            before, after = keys[key].slice(0, keys.num_rows - 1), keys[key].slice(1)
            ascending = pc.or_(pc.less(before, after), pc.and_(pc.equal(before, after), ascending))
        self.count += keys.num_rows - 1 - (pc.sum(ascending).as_py() or 0)

    def value(self) -> int:
        """How many rows are out of order."""
        return self.count


class Newest:
    """The greatest timestamp, UTC microseconds; None in an empty table."""

    def __init__(self, column: str):
        self.column = column
        self._newest: int | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Take account of a batch's greatest timestamp."""
        found = pc.max(batch[self.column].cast(pa.int64())).as_py()
        if found is not None:
            self._newest = found if self._newest is None else max(found, self._newest)

    def value(self) -> int | None:
        """The greatest timestamp."""
        return self._newest


class SharedCodes:
    """Items whose semantic ID another item before them has."""

    def __init__(self) -> None:
        self._keys: list[npt.NDArray[np.void]] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep every row's codes, a few bytes an item."""
        levels = len(level_sizes(batch.schema))
        lists = batch["codes"]
        whole = lists.filter(pc.equal(pc.list_value_length(lists), levels))
        codes = np.ascontiguousarray(whole.flatten().to_numpy(zero_copy_only=False), np.int16)
        self._keys.append(codes.view(np.dtype((np.void, 2 * levels))))

    def value(self) -> int:
        """How many items share."""
        if not self._keys:
            return 0
        keys = np.concatenate(self._keys)
        return len(keys) - len(np.unique(keys))


def level_sizes(schema: pa.Schema) -> tuple[int, ...]:
    """Codes per level, from the metadata of a table of semantic IDs."""
    return tuple(json.loads((schema.metadata or {})[b"sidflow.sizes"]))


def _binary(column: pa.Array) -> pa.Array:
    return column.cast(pa.large_binary())
