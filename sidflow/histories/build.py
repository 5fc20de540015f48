"""Interactions and a catalogue to histories."""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sidflow.config import HistoriesConfig
from sidflow.histories.events import Events, read_events
from sidflow.histories.filters import first_of_repeats, first_of_runs, k_core
from sidflow.histories.refusal import UNKNOWN_ITEM, nobody_left, nothing_to_learn
from sidflow.histories.split import Cuts, split_by_time, split_last_out, time_cuts
from sidflow.histories.table import Histories
from sidflow.interactions import interaction_paths
from sidflow.sources import counted

_LOG = logging.getLogger(__name__)

REPEAT = "repeat of the same user, item and time"
RUN = "item repeated in a row"
RARE_USER = "user below min_user_events"
RARE_ITEM = "item below min_item_events"


def build_histories(
    interactions: Mapping[str, Path] | Iterable[Path],
    item_ids: pa.Array | pa.ChunkedArray,
    config: HistoriesConfig,
    as_of_us: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Histories, dict[str, Any]]:
    """Order each user's interactions, drop what does not count, and decide what may be learned from.

    With `split: time` the k-core looks only at events before the cut; users and items that appear later stay.

    Args:
        interactions: The Parquet files of an interactions artifact.
        item_ids: The catalogue's ids by index, (N,) string.
        config: Repeats, k-core and split.
        as_of_us: Exclusive upper bound, UTC microseconds.
        on_progress: Called with files read and in total.

    Returns:
        The histories, and the facts: users, items, events, items_with_events, train_events, validation_targets and
        test_targets (users with a target and something before it), dropped {reason: events}, split, cut_us (None for
        last-out), median_length, max_length, unknown_item_share.

    Raises:
        DataContractError: If no user is left, no event is before the cut, or tie-breakers differ in type between files.
    """
    ids = item_ids.combine_chunks() if isinstance(item_ids, pa.ChunkedArray) else item_ids
    cuts = time_cuts(as_of_us, config.holdout) if config.split == "time" else None
    known, unknown = read_events(interaction_paths(interactions), ids, as_of_us, on_progress)
    rows = len(known.items) + unknown
    events, dropped = _filter(known, config, cuts)
    dropped = {UNKNOWN_ITEM: unknown, **dropped}
    if len(events.items) == 0:
        raise nobody_left(rows, dropped, config, known, interaction_paths(interactions), ids)
    histories = _pack(events, ids, cuts)
    if cuts is not None and not histories.n_train.any():
        raise nothing_to_learn(events, config)
    facts = {**_facts(histories), "dropped": dropped, "split": config.split, "cut_us": cuts.cut_us if cuts else None}
    facts["unknown_item_share"] = unknown / rows
    lost = f"; dropped: {counted(dropped)}" if any(dropped.values()) else ""
    _LOG.info("%s interactions -> %s events of %s users%s", f"{rows:,}", f"{facts['events']:,}", facts["users"], lost)
    return histories, facts


def _filter(events: Events, config: HistoriesConfig, cuts: Cuts | None) -> tuple[Events, dict[str, int]]:
    """Events that count, and how many fell for each reason."""
    dropped = {REPEAT: 0, RUN: 0}
    if config.repeats != "keep":
        events, dropped[REPEAT] = _keep(events, first_of_repeats(events))
    if config.repeats == "consecutive":
        events, dropped[RUN] = _keep(events, first_of_runs(events))
    learnable = events.timestamps < cuts.cut_us if cuts else None
    core, fallen = k_core(events, config.min_user_events, config.min_item_events, learnable)
    return events.keep(core), {**dropped, RARE_USER: fallen["user"], RARE_ITEM: fallen["item"]}


def _keep(events: Events, chosen: npt.NDArray[np.bool_]) -> tuple[Events, int]:
    return events.keep(chosen), int(len(chosen) - chosen.sum())


def _pack(events: Events, item_ids: pa.Array, cuts: Cuts | None) -> Histories:
    """Histories of the users that have events, with their split."""
    lengths = np.bincount(events.users, minlength=len(events.user_ids))
    present = lengths > 0
    lengths = lengths[present]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    split = split_by_time(offsets, events.timestamps, cuts) if cuts else split_last_out(lengths)
    user_ids = events.user_ids.filter(pa.array(present))
    return Histories(user_ids, offsets, events.items, events.timestamps, *split, item_ids)


def _facts(histories: Histories) -> dict[str, Any]:
    lengths = np.diff(histories.offsets)
    context = histories.n_train + histories.n_validation
    return {
        "users": len(histories.user_ids),
        "items": len(histories.item_ids),
        "events": len(histories.items),
        "items_with_events": int(np.count_nonzero(np.bincount(histories.items))),
        "train_events": int(histories.n_train.sum()),
        "validation_targets": int(((histories.n_train > 0) & (histories.n_validation > 0)).sum()),
        "test_targets": int(((context > 0) & (context < lengths)).sum()),
        "median_length": float(np.median(lengths)),
        "max_length": int(lengths.max()),
    }
