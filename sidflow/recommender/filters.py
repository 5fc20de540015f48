"""What a list of recommendations may hold: by attribute, by SID prefix, by item."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.errors import DataContractError, did_you_mean
from sidflow.recommender.lookup import ItemIndex
from sidflow.semantic_ids.table import SidTable

_BETWEEN = re.compile(r"\s*[>|;,/]\s*")


@dataclass(frozen=True)
class Filters:
    """Conditions on recommended items, all of which must hold; the search enters no prefix under which none does.

    Attributes:
        where: Catalogue column to the values it may have. A value stands for the whole text, or for one part of a text
            such as "Hair Care > Shampoos" or "Action|Comedy", whatever its case.
        prefix: First codes of the SID, so that (12, 7) gives more of what 12-7 holds.
        only: Item ids to choose from, such as those in stock; None: all.
        without: Item ids to leave out.
    """

    where: Mapping[str, Collection[str]] = field(default_factory=dict)
    prefix: tuple[int, ...] = ()
    only: Collection[str] | None = None
    without: Collection[str] = ()

    def __post_init__(self) -> None:
        """Refuse one text where a collection of them belongs: its letters would be the values.

        Raises:
            DataContractError: If a condition is not of the type that it must have.
        """
        for column, values in self.where.items():
            _check_texts(f"where: column {column!r}", values)
        for name, ids in (("only", self.only), ("without", self.without)):
            if ids is not None:
                _check_texts(name, ids)
        if not isinstance(self.prefix, Sequence) or not all(isinstance(code, Integral) for code in self.prefix):
            raise DataContractError(f"recommend: prefix: {self.prefix!r} is no tuple of codes, such as (12, 7).")

    def allowed(self, sids: SidTable, index: ItemIndex, attributes: "Attributes") -> npt.NDArray[np.bool_]:
        """The items that satisfy all conditions, (N,) bool.

        Args:
            sids: The SIDs of all items.
            index: Of the same items.
            attributes: Their columns.

        Raises:
            DataContractError: If a column, a value, a prefix or an item does not exist.
        """
        allowed = np.ones(len(sids.codes), bool)
        for column, values in self.where.items():
            allowed &= attributes.having(column, values)
        if self.prefix:
            allowed &= _under(sids, self.prefix)
        if self.only is not None:
            among = np.zeros_like(allowed)
            among[index.rows(self.only, "recommend: only")] = True
            allowed &= among
        allowed[index.rows(self.without, "recommend: without")] = False
        return allowed


class Attributes:
    """The catalogue's columns, each read when a filter first asks for it, and kept."""

    def __init__(self, path: Path | None, item_ids: pa.Array):
        """Remember where to read.

        Args:
            path: The release's catalogue.parquet; None: there are no columns.
            item_ids: Ids in the order of the masks, (N,) string.
        """
        self._path, self._item_ids = path, item_ids
        self._read: dict[str, _Column] = {}

    def having(self, column: str, values: Collection[str]) -> npt.NDArray[np.bool_]:
        """Items whose column holds one of the values, (N,) bool.

        Raises:
            DataContractError: If there is no such column, or no item has a value.
        """
        if column not in self._columns:
            raise DataContractError(
                f"recommend: where: the catalogue has no column {column!r}; allowed are "
                f"{', '.join(self._columns) or 'none'}.{did_you_mean(column, self._columns)}"
            )
        if column not in self._read:  # threads that come together read it twice, and keep one
            self._read[column] = self._column(column)
        known = self._read[column]
        fits = np.zeros(known.distinct + 1, bool)  # the last one: no text at all
        for value in values:
            part = value.lower()
            if part not in known.parts:
                raise DataContractError(
                    f"recommend: where: no item has {value!r} in column {column!r}. A value is a whole "
                    f"text, or one part of it between > | ; , or /.{did_you_mean(part, known.parts)}"
                )
            fits[known.parts[part]] = True
        return np.asarray(fits[known.texts])

    def _column(self, name: str) -> "_Column":
        texts = pq.read_table(self._path, columns=[name], partitioning=None)[name].cast(pa.string())
        index = texts.combine_chunks().take(self._rows).dictionary_encode()
        parts: dict[str, list[int]] = {}
        for number, text in enumerate(index.dictionary.to_pylist()):
            for part in _parts(text):
                parts.setdefault(part, []).append(number)
        distinct = len(index.dictionary)
        return _Column(pc.fill_null(index.indices, distinct).to_numpy(zero_copy_only=False), distinct, parts)

    @cached_property
    def _columns(self) -> list[str]:
        return [] if self._path is None else [name for name in pq.read_schema(self._path).names if name != "item_id"]

    @cached_property
    def _rows(self) -> pa.Array:
        known = pq.read_table(self._path, columns=["item_id"], partitioning=None)["item_id"]
        return pc.index_in(self._item_ids, value_set=known)


class _Column(NamedTuple):
    """The number of each item's text, (N,), or that of distinct ones if it has none, and the texts with each part."""

    texts: np.ndarray
    distinct: int
    parts: dict[str, list[int]]


def _check_texts(name: str, values: object) -> None:
    if isinstance(values, str | bytes) or not isinstance(values, Collection):
        raise DataContractError(
            f"recommend: {name}: {values!r} is no collection of texts; give a list, such as [{str(values)!r}]."
        )
    wrong = [each for each in values if not isinstance(each, str)]
    if wrong:
        raise DataContractError(
            f"recommend: {name}: {len(wrong)} of {len(values)} values are not text, such as {wrong[0]!r}; give "
            f"{str(wrong[0])!r}."
        )


def _parts(text: str) -> set[str]:
    text = text.strip().lower()
    return {text, *_BETWEEN.split(text)}


def _under(sids: SidTable, prefix: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    written = "-".join(map(str, prefix))
    if len(prefix) > len(sids.sizes):
        raise DataContractError(f"recommend: prefix {written} has {len(prefix)} codes; SIDs have {len(sids.sizes)}.")
    under = np.asarray((sids.codes[:, : len(prefix)] == np.array(prefix)).all(1))
    if not under.any():
        raise DataContractError(
            f"recommend: no item's SID begins with {written}. Look prefixes up with `sidflow explain ITEM`."
        )
    return under
