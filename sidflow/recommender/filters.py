"""What a list of recommendations may hold: by attribute, by SID prefix, by item."""

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.errors import DataContractError
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

    def allowed(self, sids: SidTable, attributes: "Attributes") -> npt.NDArray[np.bool_]:
        """The items that satisfy all conditions, (N,) bool.

        Raises:
            DataContractError: If a column, a value, a prefix or an item does not exist.
        """
        allowed = np.ones(len(sids.codes), bool)
        for column, values in self.where.items():
            allowed &= attributes.having(column, values)
        if self.prefix:
            allowed &= _under(sids, self.prefix)
        if self.only is not None:
            allowed &= _among(sids.item_ids, self.only, "only")
        return allowed & ~_among(sids.item_ids, self.without, "without")


class Attributes:
    """The catalogue's columns, read when a filter asks for them."""

    def __init__(self, path: Path | None, item_ids: pa.Array):
        """Remember where to read.

        Args:
            path: The release's catalogue.parquet; None: there are no columns.
            item_ids: Ids in the order of the masks, (N,) string.
        """
        self._path, self._item_ids = path, item_ids

    def having(self, column: str, values: Collection[str]) -> npt.NDArray[np.bool_]:
        """Items whose column holds one of the values, (N,) bool.

        Raises:
            DataContractError: If there is no such column, or no item has a value.
        """
        if column not in self._columns:
            raise DataContractError(
                f"recommend: where: the catalogue has no column {column!r}{_meant(column, self._columns)}; "
                f"allowed are {', '.join(self._columns) or 'none'}."
            )
        texts = pq.read_table(self._path, columns=[column], partitioning=None)[column].cast(pa.string())
        index = texts.combine_chunks().take(self._rows).dictionary_encode()
        parts = [_parts(each) for each in index.dictionary.to_pylist()]
        known = {part for each in parts for part in each}
        for value in values:
            if value.lower() not in known:
                raise DataContractError(
                    f"recommend: where: no item has {value!r} in column {column!r}{_meant(value.lower(), known)}. "
                    "A value is a whole text, or one part of it between > | ; , or /."
                )
        wanted = {value.lower() for value in values}
        fits = np.array([bool(each & wanted) for each in parts] + [False])
        return np.asarray(fits[pc.fill_null(index.indices, len(parts)).to_numpy(zero_copy_only=False)])

    @cached_property
    def _columns(self) -> list[str]:
        return [] if self._path is None else [name for name in pq.read_schema(self._path).names if name != "item_id"]

    @cached_property
    def _rows(self) -> pa.Array:
        known = pq.read_table(self._path, columns=["item_id"], partitioning=None)["item_id"]
        return pc.index_in(self._item_ids, value_set=known)


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


def _among(item_ids: pa.Array, wanted: Collection[str], name: str) -> npt.NDArray[np.bool_]:
    rows = pc.index_in(pa.array(list(wanted), pa.string()), value_set=item_ids)
    if rows.null_count:
        unknown = [each for each, row in zip(wanted, rows, strict=True) if not row.is_valid]
        raise DataContractError(
            f"recommend: {name}: {len(unknown)} of {len(wanted)} items are not in this release's catalogue: "
            f"{', '.join(map(repr, unknown[:5]))}. Leave them out, or give ids as the catalogue writes them."
        )
    among = np.zeros(len(item_ids), bool)
    among[rows.to_numpy(zero_copy_only=False)] = True
    return among


def _meant(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
