"""Which columns of an interaction log are user, item, time, event, weight and tie-breakers."""

import math
import time
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from sidflow.setup.choice import CLOSE, Choice, Scored, best, named
from sidflow.setup.links import Link
from sidflow.setup.names import EVENTS, likeness
from sidflow.setup.profile import Column, determines, pairs

_MOST_EVENTS = 30
_TINY = 50


class LogRoles(NamedTuple):
    """Columns of the log by role; None where none was found."""

    user: Choice | None
    item: Choice | None
    timestamp: Choice | None
    event: Choice | None
    weight: Choice | None
    order_by: Choice | None


def guess_log(columns: list[Column], links: list[Link]) -> LogRoles:
    """Guess the columns of a log.

    Args:
        columns: Its columns.
        links: What it shares with the catalogue, best first; empty without a catalogue.
    """
    columns = [each for each in columns if not each.is_vector]
    by_name = {each.name: each for each in columns}
    item = _linked(links) if links else None
    timestamp = _timestamp(_without(columns, item))
    item = item or _item(_without(columns, timestamp))
    user = _user(_without(columns, item, timestamp), by_name[item.column]) if item else None
    rest = _without(columns, item, timestamp, user)
    if item is None or timestamp is None or user is None:
        return LogRoles(user, item, timestamp, None, None, None)
    event = _event(rest, by_name[user.column])
    order_by = _order(_without(rest, event), by_name[user.column], by_name[timestamp.column])
    weight = _weight(_without(rest, event, order_by), by_name[user.column], by_name[item.column])
    return LogRoles(user, item, timestamp, event, weight, order_by)


def _without(columns: list[Column], *taken: Choice | None) -> list[Column]:
    names = {each.column for each in taken if each is not None}
    return [each for each in columns if each.name not in names]


def _linked(links: list[Link]) -> Choice:
    first = links[0]
    rival = next((each for each in links if each.log.name != first.log.name and first.score - each.score < CLOSE), None)
    why = f"{first.shared:.0%} of its ids are in the catalogue's column '{first.catalogue.name}'"
    return Choice(first.log.name, why, rival.log.name if rival else None)


def _timestamp(columns: list[Column]) -> Choice | None:
    found, tomorrow = [], (time.time() + 86_400) * 1e6
    for each in columns:
        if each.times is None or each.filled < 0.5:
            continue
        iso = each.times.unit == "iso8601"
        future = each.times.latest_us > tomorrow  # such numbers are rather ids
        score = each.times.share * each.filled + likeness(each.name, "timestamp") + 0.3 * iso - 0.5 * future
        kind = "ISO 8601" if iso else f"epoch {each.times.unit}"
        found.append(Scored(score, each, f"{named(each, 'timestamp')}{each.times.share:.0%} of its values are {kind}"))
    return best(found)


def _item(columns: list[Column]) -> Choice | None:
    """Without a catalogue: the ids that come with one text each, or are called like items."""
    found = []
    for each in columns:
        if not _is_id(each):
            continue
        described = [other.name for other in columns if other is not each and other.is_prose and other.words > 1.3]
        texts = [other for other in columns if other.name in described and determines(each, other)]
        score = likeness(each.name, "item") - likeness(each.name, "user") + bool(texts)
        finer = any(determines(each, other) for other in columns if other is not each and _is_id(other))
        score += 0.3 * (finer and bool(texts))  # tracks rather than their artists
        if score > 0:
            why = f"each id comes with one text in '{texts[0].name}'" if texts else f"{each.distinct:,} ids that repeat"
            found.append(Scored(score, each, f"{named(each, 'item')}{why}"))
    return best(found)


def _user(columns: list[Column], item: Column) -> Choice | None:
    found, few = [], 3 if len(item.values) > _TINY else 2
    for each in columns:
        if not _is_id(each) or determines(item, each):
            continue
        name = likeness(each.name, "user")
        if not name and likeness(each.name, "weight"):
            continue
        events = len(each.values) / each.distinct
        crowd = max(0.0, 1 - abs(math.log10(events) - 1) / 3) * (1.0 if events >= 1.3 else 0.5)
        apart = pairs(each, item) / len(each.values)
        if not name and (each.distinct < few or events < 1.05 or _counts_up(each) or crowd * apart < 0.1):
            continue
        timely = 0.3 if each.times is not None else 0.0  # long numbers may be read as times
        score = name - likeness(each.name, "item") + 0.5 * crowd + 0.5 * apart - timely
        why = f"{each.distinct:,} ids with {events:.1f} rows each"
        found.append(Scored(score, each, f"{named(each, 'user')}{why}"))
    return best(found)


def _is_id(column: Column) -> bool:
    plausible = column.filled >= 0.8 and column.words <= 1.5 and column.length <= 80
    dated = column.times is not None and column.times.unit == "iso8601"
    return plausible and column.distinct > 1 and not column.fractional and not dated


def _counts_up(column: Column) -> bool:
    """Whether it looks like a position: small numbers, the higher the rarer."""
    if column.numeric < 1 or column.distinct < 5:
        return False
    _, counts = np.unique(column.numbers, return_counts=True)
    return bool((np.diff(counts) <= np.sqrt(counts[:-1])).mean() > 0.9 and counts[0] > 4 * counts[-1])


def _event(columns: list[Column], user: Column) -> Choice | None:
    found = []
    for each in columns:
        if each.numeric > 0.1 or each.filled < 0.9 or not 2 <= each.distinct <= _MOST_EVENTS:
            continue
        values = pc.unique(each.values.drop_null()).to_pylist()
        known = sum(str(value).lower().replace(" ", "") in EVENTS for value in values) / len(values)
        name, varies = likeness(each.name, "event"), pairs(user, each) / user.distinct
        if each.times is None and each.words <= 2 and each.distinct < len(each.values) / 5 and varies > 1.2:
            why = f"{each.distinct} values ({', '.join(map(str, values[:3]))}), several a user"
            doubt = "" if name + known else "perhaps: "
            found.append(Scored(name + known, each, f"{named(each, 'event')}{doubt}{why}"))
    choice = best(found)
    return choice if choice and (len(found) == 1 or max(each.score for each in found) > 0) else None


def _weight(columns: list[Column], user: Column, item: Column) -> Choice | None:
    found = []
    for each in columns:
        if each.filled < 0.999 or each.numeric < 0.999 or each.times is not None or each.distinct < 2:
            continue
        name = likeness(each.name, "weight")
        low, high = float(each.numbers.min()), float(each.numbers.max())
        small = low >= -10 and high <= 100 and each.distinct <= 20
        attribute = determines(item, each) or determines(user, each) or likeness(each.name, "order_by") == 1
        if name or (small and each.distinct > 2 and not attribute):
            why = f"{each.distinct:,} numbers from {low:g} to {high:g}"
            found.append(Scored(name + 0.5 * small, each, f"{named(each, 'weight')}{why}"))
    return best(found)


def _order(columns: list[Column], user: Column, timestamp: Column) -> Choice | None:
    """A number that never runs against the time of a user's events and tells apart those of one time."""
    ties = 1 - pairs(user, timestamp) / len(user.values)
    if ties < 0.01:
        return None
    found = []
    for each in columns:
        if each.numeric < 1 or each.filled < 1 or each.fractional or each.times is not None:
            continue
        apart, forward = _breaks_ties(user, timestamp, each)
        if apart > 0.95 and (forward > 0.95 or likeness(each.name, "order_by")):
            why = f"{ties:.0%} of events share user and time; it tells {apart:.0%} of events apart"
            found.append(Scored(likeness(each.name, "order_by") + forward, each, f"{named(each, 'order_by')}{why}"))
    return best(found)


def _breaks_ties(user: Column, timestamp: Column, order: Column) -> tuple[float, float]:
    """Share of events alone with their user, time and number; and of steps in time where the number grows."""
    number = np.asarray(pc.cast(order.values, "float64").to_numpy(zero_copy_only=False))
    times = np.asarray(timestamp.values.to_numpy(zero_copy_only=False), str)
    _, moment = np.unique(np.char.rjust(times, 32), return_inverse=True)  # of one spelling, text sorts like time
    rows = np.lexsort((number, moment, user.codes))
    same_user = np.diff(user.codes[rows]) == 0
    same = same_user & (np.diff(moment[rows]) == 0) & (np.diff(number[rows]) == 0)
    later = same_user & (np.diff(moment[rows]) > 0)
    forward = (np.diff(number[rows])[later] > 0).mean() if later.any() else 1.0
    return 1 - same.sum() / max(len(rows), 1), float(forward)
