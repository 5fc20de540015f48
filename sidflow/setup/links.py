"""Which column of the log holds the ids of the catalogue: what they share is stronger evidence than any name."""

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.setup.names import likeness
from sidflow.setup.profile import Column

_LEAST_SHARED = 0.05
_NAME_WEIGHT = 0.1


class Link(NamedTuple):
    """A column of the log and one of the catalogue.

    Attributes:
        log: The column of the log.
        catalogue: The column of the catalogue.
        shared: Share of the log's distinct values that the catalogue's column has.
        covered: Share of the catalogue's values that the log has.
        score: How much speaks for it.
    """

    log: Column
    catalogue: Column
    shared: float
    covered: float
    score: float


def find_links(log: list[Column], catalogue: list[Column]) -> list[Link]:
    """All pairs of columns that share values, best first.

    Of numbers that count from 1, users are often found among the items too: there it speaks for a column that it
    reaches all of the catalogue, not only that it stays inside.
    """
    keys = [each for each in catalogue if _is_key(each)]
    found = []
    for ours in log:
        if ours.is_vector or ours.distinct < min(2, len(ours.values)) or ours.words > 3 or ours.length > 64:
            continue
        values = pc.unique(ours.values.drop_null())
        for key in keys:
            link = _link(ours, key, values)
            if link.shared >= _LEAST_SHARED:
                found.append(link)
    return sorted(found, key=lambda each: (-each.score, each.log.length, each.log.looked_at[:20].to_pylist()))


def _is_key(column: Column) -> bool:
    return not column.is_vector and column.filled >= 0.5 and column.uniqueness >= 0.3 and column.length <= 64


def _link(ours: Column, key: Column, values: pa.Array) -> Link:
    hits = pc.sum(pc.is_in(values, value_set=pc.unique(key.values.drop_null()))).as_py() or 0
    shared, covered = hits / len(values), hits / key.distinct
    chance = 0.5 * (1 - covered**0.5) if min(ours.numeric, key.numeric) > 0.9 else 0.0
    prose = 0.02 * min(key.words - 1, 5)  # a title can link, too, but ids are shorter
    repeats = 0.3 * (1 - key.uniqueness)
    names = _NAME_WEIGHT * (likeness(ours.name, "item") + likeness(key.name, "item"))
    return Link(ours, key, shared, covered, shared * (1 - chance) - prose - repeats + names)
