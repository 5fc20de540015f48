"""What both hand-offs take from a release: its SIDs, its histories shard by shard, and its items' columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.artifacts import Store
from sidflow.catalogue import read_catalogue_table
from sidflow.errors import DataContractError
from sidflow.histories.table import Histories, read_histories, training_events
from sidflow.interactions.forgotten import Forgotten
from sidflow.release import Release
from sidflow.semantic_ids.table import SidTable, read_semantic_ids


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: Its absolute path.
        files: Rows, lines or tokens by file name within the folder.
        facts: The numbers that also stand in the folder's JSON file.
    """

    folder: str
    files: dict[str, int]
    facts: dict[str, Any]


def history_shards(files: Mapping[str, Path], forgotten: Forgotten = Forgotten()) -> Iterator[Histories]:  # noqa: B008
    """The histories of a data set one file after another, each memory-mapped, so that memory does not grow with users.

    Args:
        files: The artifact's files by logical name.
        forgotten: Users that are left out.
    """
    for name in sorted(name for name in files if name.startswith("histories-")):
        shard = read_histories({"items.arrow": files["items.arrow"], name: files[name]})
        gone, users = forgotten.rows(shard.user_ids)
        yield _only(shard, ~gone.to_numpy(zero_copy_only=False)) if users else shard


def _only(histories: Histories, chosen: npt.NDArray[np.bool_]) -> Histories:
    """The histories of the chosen users, (u,) bool."""
    lengths = np.diff(histories.offsets)
    events = np.repeat(chosen, lengths)
    return Histories(
        user_ids=histories.user_ids.filter(pa.array(chosen)),
        offsets=np.concatenate(([0], np.cumsum(lengths[chosen]))).astype(np.int64),
        items=histories.items[events],
        timestamps=histories.timestamps[events],
        n_train=histories.n_train[chosen],
        n_validation=histories.n_validation[chosen],
        item_ids=histories.item_ids,
    )


def training_counts(files: Mapping[str, Path], items: int) -> npt.NDArray[np.int64]:
    """Training interactions of every item, (N,); what is for validation or test does not count."""
    counts = np.zeros(items, np.int64)
    for histories in history_shards(files):
        counts += np.bincount(training_events(histories)[1], minlength=items)
    return counts


def read_sids(store: Store, release: Release) -> SidTable:
    """The release's SID table."""
    return read_semantic_ids(store.files(release.artifact("dataset")))


def read_items(store: Store, release: Release, item_ids: pa.Array) -> pa.Table:
    """The release's catalogue in the order of `item_ids`, (N,).

    Raises:
        DataContractError: If an item is not in it.
    """
    table = read_catalogue_table(store.files(release.artifact("catalogue")))
    rows = pc.index_in(item_ids, value_set=table["item_id"])
    if rows.null_count:
        raise DataContractError(
            f"release {release.id}: {rows.null_count:,} of {len(item_ids):,} items with a SID are not in its "
            "catalogue; allowed are SIDs and catalogue of one run. Run the stage semantic_ids again."
        )
    return table.take(rows)


def origin(release: Release, sids: SidTable) -> dict[str, Any]:
    """Where a hand-off is from: release, its logical time, and the SID table it is bound to."""
    return {
        "release": release.id,
        "as_of": release.as_of.isoformat(),
        "sids_sha256": sids.digest(),
        "items": len(sids.codes),
        "codes_per_level": list(sids.sizes),
    }
