"""Interactions as flat arrays of indices, in the order of each user's history."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.errors import DataContractError
from sidflow.schemas import TIME

_COLUMNS = ["user_id", "item_id", "timestamp", "row", "source"]
_BLOCK_ROWS = 1_000_000


class Events(NamedTuple):
    """Events sorted by user, then time, then tie-breakers, then source row.

    Shapes: n events, u users.

    Attributes:
        user_ids: (u,) string, sorted; users without a known item are among them.
        users: (n,) int32 indices into `user_ids`.
        items: (n,) int32 catalogue indices.
        timestamps: (n,) int64 UTC microseconds.
    """

    user_ids: pa.Array
    users: npt.NDArray[np.int32]
    items: npt.NDArray[np.int32]
    timestamps: npt.NDArray[np.int64]

    def keep(self, chosen: npt.NDArray[np.bool_]) -> Self:
        """The chosen events; the users stay."""
        return self._replace(users=self.users[chosen], items=self.items[chosen], timestamps=self.timestamps[chosen])


class _Block(NamedTuple):
    """Consecutive rows of one source file; users are codes into the block's own dictionary."""

    place: tuple[str, int]  # source name and row of the first row: blocks in this order are in source order
    users: pa.DictionaryArray
    items: npt.NDArray[np.int32]
    timestamps: npt.NDArray[np.int64]
    orders: dict[str, pa.Array]


def read_events(
    paths: Sequence[Path], item_ids: pa.Array, as_of_us: int, on_progress: Callable[[int, int], None] | None = None
) -> tuple[Events, int]:
    """The events before `as_of_us` whose item is in the catalogue, ordered, and how many have another item.

    The order is that of the data alone: (user_id, timestamp, order_by columns ascending with nulls last, source name,
    source row), whatever the order of the files.

    Args:
        paths: Files of an interactions artifact; each holds rows of one source in ascending row order.
        item_ids: The catalogue's ids by index, (N,) string.
        as_of_us: Exclusive upper bound, UTC microseconds.
        on_progress: Called with files read and in total.

    Raises:
        DataContractError: If an order_by column has different types in two files.
    """
    blocks: list[_Block] = []
    unknown = 0
    for done, path in enumerate(paths, start=1):
        for table in _read_tables(path):
            rows = table.filter(pc.less(table["timestamp"], pa.scalar(as_of_us, TIME)))
            items = pc.index_in(rows["item_id"], value_set=item_ids)
            unknown += items.null_count
            if items.null_count < len(items):
                blocks.append(_block(rows, items))
        if on_progress:
            on_progress(done, len(paths))
    blocks.sort(key=lambda each: each.place)
    user_ids, users = _joined_users([each.users for each in blocks])
    items = np.concatenate([np.empty(0, np.int32), *(each.items for each in blocks)])
    timestamps = np.concatenate([np.empty(0, np.int64), *(each.timestamps for each in blocks)])
    order = np.lexsort((*reversed(_order_ranks(blocks)), timestamps, users))  # stable: ties stay in source order
    return Events(user_ids, users[order], items[order], timestamps[order]), unknown


def _read_tables(path: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(path, read_dictionary=["user_id"]) as file:
        orders = sorted((n for n in file.schema_arrow.names if n.startswith("order_")), key=lambda n: int(n[6:]))
        for batch in file.iter_batches(_BLOCK_ROWS, columns=[*_COLUMNS, *orders]):
            yield pa.Table.from_batches([batch])


def _block(rows: pa.Table, items: pa.ChunkedArray) -> _Block:
    """The rows whose item is known, as indices."""
    if items.null_count:
        known = pc.is_valid(items)
        rows, items = rows.filter(known), items.filter(known)
    return _Block(
        place=(rows["source"][0].as_py(), rows["row"][0].as_py()),
        users=rows["user_id"].unify_dictionaries().combine_chunks(),
        items=items.to_numpy().astype(np.int32, copy=False),
        timestamps=rows["timestamp"].cast(pa.int64()).to_numpy(),
        orders={name: rows[name].combine_chunks() for name in rows.column_names if name not in _COLUMNS},
    )


def _joined_users(columns: list[pa.DictionaryArray]) -> tuple[pa.Array, npt.NDArray[np.int32]]:
    """All users sorted by the bytes of their ids, and each event's index among them."""
    dictionaries = pa.chunked_array([column.dictionary for column in columns], pa.string())
    distinct = dictionaries.unique()
    user_ids = distinct.take(pc.array_sort_indices(distinct))
    places = pc.index_in(dictionaries, value_set=user_ids).to_numpy()  # one call: each hashes all users
    starts = np.cumsum([0, *(len(column.dictionary) for column in columns)])
    users = [places[start + column.indices.to_numpy()] for start, column in zip(starts, columns, strict=False)]
    return user_ids, np.concatenate([np.empty(0, np.int32), *users])


def _order_ranks(blocks: list[_Block]) -> list[npt.NDArray[np.int64]]:
    """For each order_by column the rank of every event's value, (n,); nulls last."""
    names = dict.fromkeys(name for each in blocks for name in each.orders)
    return [_ranks(_same_type(name, blocks)) for name in names]


def _same_type(name: str, blocks: list[_Block]) -> pa.ChunkedArray:
    """One column over all files; a file that lacks it, or has only nulls in it, goes with any type."""
    columns = [each.orders.get(name, pa.nulls(len(each.items))) for each in blocks]
    kinds = {str(each.type): each.type for each in columns if each.null_count < len(each)}
    if len(kinds) > 1:
        found = ", ".join(f"{each.place[0]} {column.type}" for each, column in zip(blocks, columns, strict=True))
        raise DataContractError(
            f"interactions: tie-breaker {name} (interactions.columns.order_by) differs in type between files: {found}; "
            "allowed is one type in all. Mend the files, or leave the column out."
        )
    kind = next(iter(kinds.values()), pa.int64())
    return pa.chunked_array([each if each.type == kind else pa.nulls(len(each), kind) for each in columns])


def _ranks(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    distinct = column.unique().drop_null()
    ranks = pc.index_in(column, value_set=distinct.take(pc.array_sort_indices(distinct)))
    return np.asarray(pc.fill_null(ranks, len(distinct)).to_numpy(), np.int64)
