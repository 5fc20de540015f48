"""Users that must not come back: known by salted digests only, and kept out of what is written."""

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.sources import Batch, as_ids

_LONGEST_RUN = 8
"""Fields of a raw row that may together be one id, because the id holds the delimiter."""


@dataclass(frozen=True)
class Forgotten:
    """The users that were forgotten.

    Attributes:
        salt: The store's own, hex.
        digests: Of their ids, see `digest_user`.
    """

    salt: str = ""
    digests: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.digests)

    def known(self, texts: Iterable[str]) -> frozenset[str]:
        """Digests of those texts that are a forgotten user's id."""
        return frozenset(digest_user(self.salt, each) for each in texts) & self.digests

    def rows(self, user_ids: Any) -> tuple[pa.Array, frozenset[str]]:
        """Which rows are of forgotten users, (n,) bool, and the digests of those users; each id is hashed once."""
        values = user_ids.combine_chunks() if isinstance(user_ids, pa.ChunkedArray) else user_ids
        unique = pc.unique(pc.drop_null(values))
        found = {each: digest_user(self.salt, each) for each in unique.to_pylist()}
        hit = [each for each, digest in found.items() if digest in self.digests]
        mask = pc.fill_null(pc.is_in(values, value_set=pa.array(hit, pa.string())), False)
        return mask, frozenset(found[each] for each in hit)

    def in_text(self, raw: str | None) -> frozenset[str]:
        """Digests of forgotten users whose id stands in a raw row: as a field, a JSON value or a word."""
        return self.known(set(_candidates(raw))) if raw and self.digests else frozenset()

    def in_texts(self, raw: Any) -> tuple[pa.Array, frozenset[str]]:
        """As `rows`, for raw rows."""
        found = [self.in_text(each) for each in raw.to_pylist()]
        return pa.array([bool(each) for each in found], pa.bool_()), frozenset().union(*found)

    def without(self, batch: Batch, user_column: str, where: str) -> tuple[Batch, frozenset[str]]:
        """A batch without the rows of forgotten users, those that could not be read as rows included."""
        mask, users = self.rows(as_ids(batch.table[user_column], where))
        bad = [(each, self.in_text(each.raw)) for each in batch.bad]
        users = users.union(*(each for _, each in bad))
        if not users:
            return batch, users
        stay = pc.invert(mask)
        lines = None if batch.lines is None else batch.lines.filter(stay)
        sound = tuple(each for each, found in bad if not found)
        return replace(
            batch, rows=batch.rows.filter(stay), table=batch.table.filter(stay), lines=lines, bad=sound
        ), users


NOBODY = Forgotten()


def digest_user(salt: str, user: str) -> str:
    """Salted SHA-256 of an id, hex."""
    return hashlib.sha256(f"{salt}\0{user}".encode()).hexdigest()


def _candidates(raw: str) -> Iterator[str]:
    """What in a raw row may be an id: JSON values, fields, runs of fields, words."""
    with suppress(ValueError):
        yield from _scalars(json.loads(raw))
    for delimiter in (",", "\t"):
        yield from (each for row in csv.reader([raw], delimiter=delimiter) for each in row)
        fields = raw.split(delimiter)
        for first in range(len(fields)):
            for last in range(first + 1, min(first + _LONGEST_RUN, len(fields)) + 1):
                text = delimiter.join(fields[first:last])
                yield from (text, text.strip().strip('"'))
    yield from re.split(r'[\s",;:|{}\[\]]+', raw)


def _scalars(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for each in value.values():
                yield from _scalars(each)
        case list():
            for each in value:
                yield from _scalars(each)
        case float() if value.is_integer():
            yield str(int(value))
        case str() | int() | float():
            yield str(value)
