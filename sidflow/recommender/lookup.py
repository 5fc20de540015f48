"""Users, items and titles by their ids."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.decoder.spread import is_count
from sidflow.errors import DataContractError
from sidflow.histories.table import Histories

T = TypeVar("T")


class ItemIndex:
    """Catalogue indices by item id: a look-up takes as long as what is looked up, not as the catalogue."""

    def __init__(self, item_ids: pa.Array):
        """Read the ids, (N,) string, once."""
        self._rows = {item: row for row, item in enumerate(item_ids.to_pylist())}

    def rows(self, item_ids: Collection[str], given_as: str = "history") -> np.ndarray:
        """Catalogue indices of item ids, (n,) int64; `given_as` names them in the error.

        Raises:
            DataContractError: If one is not in the catalogue.
        """
        unknown = [each for each in item_ids if not isinstance(each, str) or each not in self._rows]
        if unknown:
            raise DataContractError(
                f"{given_as}: {len(unknown)} of {len(item_ids)} items are not in this release's catalogue: "
                f"{', '.join(map(repr, unknown[:5]))}. Leave them out, or give ids as the catalogue writes them."
            )
        return np.fromiter((self._rows[each] for each in item_ids), np.int64, len(item_ids))

    def known_rows(self, item_ids: Collection[str]) -> np.ndarray:
        """Catalogue indices of those item ids that are in the catalogue, (m,) int64."""
        return np.array([self._rows[each] for each in item_ids if each in self._rows], np.int64)


def user_row(histories: Histories, user: str) -> int | None:
    """The row of a user id, or None for an unknown user."""
    ids = histories.user_ids
    row = bisect_left(ids, user.encode(), key=lambda each: each.as_py().encode())
    return row if row < len(ids) and ids[row].as_py() == user else None


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


def check_k(k: object) -> None:
    """Refuse a number of recommendations that is below 1 or no whole number.

    Raises:
        DataContractError: If it is.
    """
    if not is_count(k):
        raise DataContractError(f"recommend: k={k!r}; allowed is 1 or more, in whole numbers.")


def check_rows(users: np.ndarray, count: int) -> np.ndarray:
    """Rows of histories, (b,) int64, none of which is outside [0, count).

    Raises:
        DataContractError: If one is, or they are no whole numbers.
    """
    rows = np.asarray(users)
    if rows.ndim != 1 or (len(rows) and not np.issubdtype(rows.dtype, np.integer)):
        raise DataContractError(f"recommend: users={users!r}; allowed are rows of the histories, (b,) whole numbers.")
    wrong = (rows < 0) | (rows >= count)
    if wrong.any():
        raise DataContractError(
            f"recommend: users: {int(wrong.sum())} of {len(rows)} rows are not of this release's histories, such as "
            f"{rows[wrong][0]}; allowed is 0 to {count - 1}. Look a user's row up in the release's user ids."
        )
    return rows.astype(np.int64)


def check_users(users: Iterable[T]) -> list[T]:
    """The users, in a list; refuses what is neither a user id nor a history of item ids.

    Raises:
        DataContractError: If one is not, or one id was given for a list of users.
    """
    if isinstance(users, str):
        raise DataContractError(f"recommend: users={users!r} is one id; give a list of users, such as [{users!r}].")
    listed = list(users)
    for user in listed:
        if isinstance(user, bytes) or not isinstance(user, Collection):
            raise DataContractError(
                f"recommend: user={user!r}; allowed is a user id as text, or a history as a list of item ids, oldest "
                "first. Give [] where nothing is known."
            )
    return listed
