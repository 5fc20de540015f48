"""Why no configuration can be guessed: what was seen, and what to do."""

import re

from sidflow.errors import DataContractError
from sidflow.setup.choice import seen
from sidflow.setup.links import find_links
from sidflow.setup.log_roles import LogRoles
from sidflow.setup.profile import Column, shown
from sidflow.setup.sample import Sample

_OTHER_TIMES = re.compile(
    r"^(\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}[./]\d{1,2}[./]\d{1,2}|(19|20)\d{6}$"
    r"|\w{3,9}\.? \d{1,2},? \d{4}|\d{1,2}\.? \w{3,9} \d{4})"
)
_BY_HAND = (
    "If one of them is it, write a configuration by hand, interactions: {path: ..., columns: {user: ..., item: ..., "
    "timestamp: ...}}, catalogue: {path: ..., columns: {item: ..., title: ...}}, and try it with: sidflow validate."
)
_ALLOWED_TIMES = "ISO 8601 (2024-12-31T18:00), or seconds, milliseconds or microseconds since 1970"


def require_roles(roles: LogRoles, log: Sample, columns: list[Column]) -> None:
    """Refuse a log without users, items or times, saying what was seen and what to write by hand."""
    for role, choice in (("timestamp", roles.timestamp), ("item", roles.item), ("user", roles.user)):
        if choice is not None:
            continue
        what = {
            "timestamp": f"no column reads as times; allowed: {_ALLOWED_TIMES}",
            "item": "no column looks like item ids",
            "user": "no column looks like user ids, which repeat and come with different items",
        }[role]
        step = _time_step(columns) if role == "timestamp" else _nested_step(columns)
        raise DataContractError(f"{log.path}: {what}. Seen: {seen(columns)}{_left_out(log)}. {step or _BY_HAND}")


def _time_step(columns: list[Column]) -> str | None:
    """What to do with a column of dates in another format, if there is one."""
    for each in columns:
        values = [] if each.is_vector else each.looked_at.to_pylist()
        if values and sum(bool(_OTHER_TIMES.match(value)) for value in values) > 0.8 * len(values):
            return f"{shown(each.name)} looks like dates in another format, such as {shown(values[0])}: convert it."
    return None


def _nested_step(columns: list[Column]) -> str | None:
    """What to do with a column of JSON objects, if there is one."""
    for each in columns:
        if each.is_vector or not each.looked_at[0].as_py().startswith("{"):
            continue
        fields = re.findall(r'"(\w+)": *["\d]', each.looked_at[0].as_py())
        if re.fullmatch(r"[A-Za-z_]\w*", each.name) and fields:
            how = f"jq -c '. + {{{each.name}_{fields[0]}: .{each.name}.{fields[0]}}}'"
            return f"{shown(each.name)} holds JSON objects, whose fields cannot be mapped: lift one out, as {how}."
    return None


def no_link(log: Sample, columns: list[Column], items: Sample, item_columns: list[Column]) -> DataContractError:
    """The error for a log and a catalogue whose values do not meet; are they swapped?"""
    swapped = bool(find_links(item_columns, columns))
    step = (
        "Are --interactions and --catalogue swapped?"
        if swapped
        else "Do both write ids alike (leading zeros, prefixes, case)? Mend them, or give the catalogue that belongs "
        "to the log."
    )
    return DataContractError(
        f"{log.path} and {items.path} share no ids: no column of the log has values of a column of the catalogue whose "
        f"values are distinct. Log: {seen(columns, 6)}{_left_out(log)}. Catalogue: {seen(item_columns, 6)}"
        f"{_left_out(items)}. {step}"
    )


def _left_out(sample: Sample) -> str:
    return "".join(f"; left out: {shown(name)} ({why})" for name, why in sample.left_out.items())


def no_catalogue(log: Sample, columns: list[Column]) -> DataContractError:
    """The error for a log that is given alone and has no titles."""
    return DataContractError(
        f"{log.path}: has no column with a title for each item, and no --catalogue was given. Seen: {seen(columns)}. "
        "SIDs are made from what items are, so a catalogue is needed: a file with a row an item, its id and its title, "
        "and whatever else describes it. Give it with --catalogue FILE."
    )
