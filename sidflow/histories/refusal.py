"""Why no user is left, and which setting or file to change."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.config import HistoriesConfig
from sidflow.errors import DataContractError
from sidflow.histories.events import Events
from sidflow.sources import counted

_DAY_US = 86_400_000_000
UNKNOWN_ITEM = "item not in the catalogue"


def nobody_left(
    rows: int,
    dropped: Mapping[str, int],
    config: HistoriesConfig,
    known: Events,
    paths: Sequence[Path],
    item_ids: pa.Array,
) -> DataContractError:
    """The error for a log of which no user is left.

    Args:
        rows: Interactions that there were.
        dropped: How many fell, by reason.
        config: The k-core.
        known: The events whose item is in the catalogue, before anything else was dropped.
        paths: The files of the interactions.
        item_ids: The catalogue's ids, (N,) string.
    """
    said = f"histories: no user is left of {rows:,} interactions; dropped: {counted(dropped) or 'none'}. "
    if not rows:
        return DataContractError(f"{said}Check interactions.path, or give a later --as-of.")
    if not len(known.items):
        return DataContractError(
            f"{said}The log names items such as {_examples(paths)}, the catalogue {_quoted(item_ids)}: allowed are the "
            "catalogue's ids, written alike. Check interactions.columns.item and catalogue.columns.item."
        )
    return DataContractError(
        f"{said}The k-core asks for users of histories.min_user_events={config.min_user_events} and items of "
        f"histories.min_item_events={config.min_item_events} or more; at most a user has "
        f"{np.bincount(known.users).max():,} and an item {np.bincount(known.items).max():,} events. Lower them"
        f"{', and see that log and catalogue write item ids alike' if dropped[UNKNOWN_ITEM] else ''}."
    )


def nothing_to_learn(events: Events, config: HistoriesConfig) -> DataContractError:
    """The error for a holdout that takes the whole log.

    Args:
        events: The events that count.
        config: The split.
    """
    days = (events.timestamps.max() - events.timestamps.min()) / _DAY_US
    return DataContractError(
        f"histories: none of {len(events.items):,} events is before the holdout of {config.holdout}, so nothing can be "
        f"learned; the log spans {days:.1f} days. Lower histories.holdout, or set histories.split to last-out."
    )


def _examples(paths: Sequence[Path]) -> str:
    """Item ids of the first rows of a log."""
    with pq.ParquetFile(paths[0]) as file:
        return _quoted(next(file.iter_batches(1_000, columns=["item_id"]))["item_id"])


def _quoted(ids: pa.Array) -> str:
    return ", ".join(repr(each) for each in pc.unique(ids)[:3].to_pylist()) or "none"
