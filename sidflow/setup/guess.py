"""From a log and a catalogue to the mapping of their columns, with reasons."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.errors import DataContractError
from sidflow.setup.catalogue_roles import CatalogueRoles, guess_catalogue
from sidflow.setup.choice import Choice, seen
from sidflow.setup.links import find_links
from sidflow.setup.log_roles import LogRoles, guess_log
from sidflow.setup.notes import notes
from sidflow.setup.profile import Column, determines, profile
from sidflow.setup.refusals import no_catalogue, no_link, require_roles
from sidflow.setup.sample import Sample, read_sample
from sidflow.sources import parse_timestamps

LOG_ROWS = 50_000
CATALOGUE_ROWS = 200_000
_EARLY = 0.05


@dataclass(frozen=True)
class Guess:
    """What `init` found out.

    Attributes:
        log: The sample of the log.
        items: The sample of the catalogue; the log's where the catalogue is in the log.
        log_roles: Columns of the log; user, item and timestamp are never None.
        item_roles: Columns of the catalogue; item and title are never None.
        columns: Columns of log and catalogue by name, for examples.
        item_count: Items, estimated if the sample of the catalogue is not complete.
        whole_days: Whether all times are midnights.
        from_log: Whether the catalogue is read from the log itself.
        notes: What a user should know.
    """

    log: Sample
    items: Sample
    log_roles: LogRoles
    item_roles: CatalogueRoles
    columns: tuple[dict[str, Column], dict[str, Column]]
    item_count: int
    whole_days: bool
    from_log: bool
    notes: tuple[str, ...]


def guess(interactions: str, catalogue: str | None) -> Guess:
    """Read samples and guess every role.

    Args:
        interactions: File, folder, glob or URL of the log.
        catalogue: The same of the catalogue; None takes the items from the log, if it has their titles.

    Raises:
        DataContractError: If a file cannot be read, or a role that must be filled has no column for it.
    """
    log = read_sample(interactions, LOG_ROWS)
    log_columns = profile(log.table)
    items = log if catalogue is None else read_sample(catalogue, CATALOGUE_ROWS)
    item_columns = log_columns if catalogue is None else profile(items.table)
    links = [] if catalogue is None else find_links(log_columns, item_columns)
    if catalogue is not None and not links and items.complete:
        raise no_link(log, log_columns, items, item_columns)
    roles = guess_log(log_columns, links)
    require_roles(roles, log, log_columns)
    assert roles.item is not None and roles.timestamp is not None  # require_roles saw to it
    by_name = {each.name: each for each in log_columns}
    if catalogue is None:
        item_columns = _own_items(log, log_columns, by_name[roles.item.column])
        item_roles = guess_catalogue(item_columns, [], roles.item)
        if item_roles.title is None:
            raise no_catalogue(log, log_columns)
    else:
        item_roles = _with_text(guess_catalogue(item_columns, links), items, item_columns)
    columns = (by_name, {each.name: each for each in item_columns})
    item_roles, late = _checked_times(item_roles, roles, columns)
    times = by_name[roles.timestamp.column].times
    return Guess(
        log=log,
        items=items,
        log_roles=roles,
        item_roles=item_roles,
        columns=columns,
        item_count=_item_count(items, item_roles, columns[1], catalogue is None),
        whole_days=times is not None and times.whole_days,
        from_log=catalogue is None,
        notes=(*notes(log, items, item_roles, columns[1]), *late),
    )


def _own_items(log: Sample, columns: list[Column], item: Column) -> list[Column]:
    """Columns of a log that belong to its items, with one row an item."""
    codes, first = np.unique(item.codes, return_index=True)
    rows = log.table.take(pa.array(np.sort(first[codes >= 0])))
    told = [each.name for each in columns if each is item or (not each.is_vector and determines(item, each))]
    return profile(rows.select(told))


def _with_text(roles: CatalogueRoles, items: Sample, columns: list[Column]) -> CatalogueRoles:
    """The roles with a title, which may be the id where vectors say what an item is.

    Raises:
        DataContractError: If there is no id, or nothing that describes an item.
    """
    by_hand = "Name it by hand in catalogue.columns, or give another file."
    if roles.item is None:
        raise DataContractError(
            f"{items.path}: no column looks like item ids, which are nearly all distinct. Seen: {seen(columns)}. "
            f"{by_hand}"
        )
    if roles.title is not None:
        return roles
    if not roles.vectors:
        raise DataContractError(
            f"{items.path}: no column holds text that describes an item, such as a title. Seen: {seen(columns)}. "
            f"SIDs are made from text or vectors. {by_hand}"
        )
    return roles._replace(title=Choice(roles.item.column, "there is no text: the id stands in for it"))


def _checked_times(
    roles: CatalogueRoles, log: LogRoles, columns: tuple[dict[str, Column], dict[str, Column]]
) -> tuple[CatalogueRoles, list[str]]:
    """The roles without an `available_from` that the log contradicts, and a note if so."""
    if roles.available_from is None or log.item is None or log.timestamp is None or roles.item is None:
        return roles, []
    late = columns[1][roles.available_from.column]
    ours, theirs = columns[0][log.timestamp.column], columns[1][roles.item.column]
    if late.times is None or ours.times is None:
        return roles, []
    since = parse_timestamps(late.values, late.times.unit).microseconds
    at = parse_timestamps(ours.values, ours.times.unit).microseconds
    row = pc.index_in(columns[0][log.item.column].values, value_set=theirs.values)
    early = pc.less(at, since.take(row))
    share = float(pc.mean(early.cast(pa.float64())).as_py() or 0)
    if share <= _EARLY:
        return roles, []
    note = (
        f"catalogue column '{late.name}' is called like a time of appearance, but {share:.0%} of the interactions are "
        "earlier: it is not mapped."
    )
    return roles._replace(available_from=None), [note]


def _item_count(items: Sample, roles: CatalogueRoles, columns: dict[str, Column], from_log: bool) -> int:
    assert roles.item is not None
    known = columns[roles.item.column].distinct
    return known if items.complete or from_log else max(known, items.rows)
