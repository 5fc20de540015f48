"""Users, items and titles by their ids."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.errors import DataContractError
from sidflow.histories.table import Histories


def user_row(histories: Histories, user: str) -> int | None:
    """The row of a user id, or None for an unknown user."""
    ids = histories.user_ids
    row = bisect_left(ids, user.encode(), key=lambda each: each.as_py().encode())
    return row if row < len(ids) and ids[row].as_py() == user else None


def known_items(item_ids: Sequence[str], catalogue: pa.Array, given_as: str = "history") -> np.ndarray:
    """Catalogue indices of item ids, (n,) int64; `given_as` names them in the error.

    Raises:
        DataContractError: If one is not in the catalogue.
    """
    rows = pc.index_in(pa.array(item_ids, pa.string()), value_set=catalogue)
    if rows.null_count:
        unknown = [each for each, row in zip(item_ids, rows, strict=True) if not row.is_valid]
        raise DataContractError(
            f"{given_as}: {len(unknown)} of {len(item_ids)} items are not in this release's catalogue: "
            f"{', '.join(map(repr, unknown[:5]))}. Leave them out, or give ids as the catalogue writes them."
        )
    return np.asarray(rows.to_numpy(zero_copy_only=False), np.int64)


def read_titles(files: Mapping[str, Path], item_ids: pa.Array) -> list[str]:
    """Titles in the order of `item_ids`."""
    table = pq.read_table(files["catalogue.parquet"], columns=["item_id", "title"], partitioning=None)
    rows = pc.index_in(item_ids, value_set=table["item_id"])
    if rows.null_count:
        raise DataContractError(
            f"recommender: {rows.null_count:,} of {len(item_ids):,} items of the data set are not in the catalogue; "
            "take both from one release."
        )
    titles: list[str] = table["title"].take(rows).to_pylist()
    return titles


def check_k(k: int) -> None:
    """Refuse a number of recommendations below 1.

    Raises:
        DataContractError: If it is.
    """
    if k < 1:
        raise DataContractError(f"recommend: k={k}; allowed is 1 or more.")
