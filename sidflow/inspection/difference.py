"""What changed from one release to another: items, SIDs, settings, metrics."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from sidflow.artifacts import Store
from sidflow.inspection.alignment import Alignment, compare_alignment
from sidflow.inspection.contents import Contents
from sidflow.inspection.settings import Change, changed_settings
from sidflow.release import Release
from sidflow.semantic_ids.churn import changed_prefixes, measure_churn
from sidflow.semantic_ids.table import positions

SHOWN = 20


@dataclass(frozen=True)
class ListedItem:
    """An item that is in one of the two releases only; popularity counts that release's training interactions."""

    item_id: str
    title: str
    sid: str
    popularity: int


@dataclass(frozen=True)
class MovedItem:
    """An item whose SID changed; `level` is the first that did, counted from 1; topics are those of the prefixes."""

    item_id: str
    title: str
    level: int
    popularity: int
    old_sid: str
    new_sid: str
    old_topics: tuple[str, ...]
    new_topics: tuple[str, ...]


@dataclass(frozen=True)
class Measure:
    """A test metric of one model in both releases, and after less before; None where a release does not have it."""

    model: str
    metric: str
    before: float | None
    after: float | None
    difference: float | None


@dataclass(frozen=True)
class Side:
    """One of the two releases."""

    id: str
    as_of: datetime
    decision: str
    items: int


@dataclass(frozen=True)
class Difference:
    """Two releases compared; counts are of all items, lists of the first ones.

    Attributes:
        before, after: The releases.
        alignment: Whether codes mean the same in both.
        churn: Facts of `measure_churn`: shares of common items whose SID changed, by level, by items and by traffic.
        added, removed, moved: How many.
        added_items, removed_items: Most popular first.
        moved_items: Lowest changed level first, then most popular.
        settings: What differs in the recipes, in flow order.
        measures: Test metrics side by side.
        shared: Kinds of artifacts that are the same in both.
    """

    before: Side
    after: Side
    alignment: Alignment
    churn: dict[str, Any]
    added: int
    removed: int
    moved: int
    added_items: tuple[ListedItem, ...]
    removed_items: tuple[ListedItem, ...]
    moved_items: tuple[MovedItem, ...]
    settings: tuple[Change, ...]
    measures: tuple[Measure, ...]
    shared: tuple[str, ...]


def compare_releases(store: Store, before: Release, after: Release, count: int = SHOWN) -> Difference:
    """What changed from one release to another.

    Args:
        store: Where both are.
        before: The release to compare with.
        after: The one that is looked at.
        count: Most items in a list.

    Raises:
        MissingArtifact: If a part of either was collected.
    """
    old, new = Contents(store, before), Contents(store, after)
    at = positions(new.sids.item_ids, old.sids.item_ids)
    back = positions(old.sids.item_ids, new.sids.item_ids)
    added, removed = np.flatnonzero(at < 0), np.flatnonzero(back < 0)
    moved, levels = _moved(old, new, at)
    return Difference(
        before=_side(old),
        after=_side(new),
        alignment=compare_alignment(store, before, after),
        churn=measure_churn(old.sids, new.sids.item_ids, new.sids.codes, new.popularity),
        added=len(added),
        removed=len(removed),
        moved=len(moved),
        added_items=_listed(new, added, count),
        removed_items=_listed(old, removed, count),
        moved_items=_movers(old, new, at, moved, levels, count),
        settings=changed_settings(store, before, after),
        measures=_measures(before, after),
        shared=tuple(kind for kind, each in after.artifacts.items() if before.artifacts.get(kind) == each),
    )


def _moved(old: Contents, new: Contents, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Items (m,) whose SID changed, biggest movers first, and the first level of each that did, from 1."""
    known = np.flatnonzero(at >= 0)
    changed = changed_prefixes(old.sids.codes[at[known]], new.sids.codes[known])
    levels = np.where(changed.any(1), changed.argmax(1), changed.shape[1]) + 1
    longer = old.sids.codes.shape[1] != new.sids.codes.shape[1]
    rows = np.flatnonzero(changed.any(1) | longer)
    order = rows[np.lexsort((known[rows], -new.popularity[known[rows]], levels[rows]))]
    return known[order], levels[order]


def _movers(
    old: Contents, new: Contents, at: np.ndarray, moved: np.ndarray, levels: np.ndarray, count: int
) -> tuple[MovedItem, ...]:
    return tuple(
        MovedItem(
            item_id=new.item_ids[int(item)].as_py(),
            title=new.titles[int(item)].as_py(),
            level=int(level),
            popularity=int(new.popularity[item]),
            old_sid=old.sid(at[item]),
            new_sid=new.sid(item),
            old_topics=old.topics(at[item]),
            new_topics=new.topics(item),
        )
        for item, level in zip(moved[:count], levels[:count], strict=True)
    )


def _listed(contents: Contents, rows: np.ndarray, count: int) -> tuple[ListedItem, ...]:
    order = rows[np.lexsort((rows, -contents.popularity[rows]))][:count]
    return tuple(
        ListedItem(
            contents.item_ids[int(row)].as_py(),
            contents.titles[int(row)].as_py(),
            contents.sid(row),
            int(contents.popularity[row]),
        )
        for row in order
    )


def _measures(before: Release, after: Release) -> tuple[Measure, ...]:
    old, new = ({"sidflow": each.metrics["test"], **each.metrics["baselines"]} for each in (before, after))
    return tuple(
        _measure(model, metric, old.get(model, {}).get(metric), new.get(model, {}).get(metric))
        for model in dict.fromkeys([*new, *old])
        for metric in dict.fromkeys([*new.get(model, {}), *old.get(model, {})])
    )


def _measure(model: str, metric: str, old: float | None, new: float | None) -> Measure:
    return Measure(model, metric, old, new, None if old is None or new is None else new - old)


def _side(contents: Contents) -> Side:
    release = contents.release
    return Side(release.id, release.as_of, release.decision, len(contents.item_ids))
