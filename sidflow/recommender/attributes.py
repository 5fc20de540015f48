"""The catalogue's columns, as what a list of recommendations may be limited to."""

import re
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.errors import DataContractError, did_you_mean

CLOSE = 2_000
"""Parts among which the closest to a wrong value is looked for: 0.05 ms each, in which no other thread computes."""
_BETWEEN = re.compile(r"\s*[>|;,/]\s*")


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
            DataContractError: If there is no such column, it holds no texts or numbers, or no item has a value.
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
                close = did_you_mean(part, known.parts) if len(known.parts) <= CLOSE else ""
                raise DataContractError(
                    f"recommend: where: no item has {value!r} in column {column!r}. A value is a whole "
                    f"text, or one part of it between > | ; , or /.{close}"
                )
            fits[known.parts[part]] = True
        return np.asarray(fits[known.texts])

    def _column(self, name: str) -> "_Column":
        stored = pq.read_table(self._path, columns=[name], partitioning=None)[name]
        try:
            texts = stored.cast(pa.string())
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
            raise DataContractError(
                f"recommend: where: column {name!r} holds {stored.type}, which no value names; allowed are columns of "
                "texts, numbers, times, or true and false."
            ) from error
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


def _parts(text: str) -> set[str]:
    text = text.strip().lower()
    return {text, *_BETWEEN.split(text)}
