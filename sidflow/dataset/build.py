"""The data set: index sequences beside the SID table. A reassignment replaces the table, never the sequences."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sidflow.errors import DataContractError
from sidflow.histories.table import Histories, read_histories
from sidflow.semantic_ids.table import SidTable, read_semantic_ids

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Dataset:
    """What a decoder learns from: histories by catalogue index, and the SID of every index.

    Raises:
        DataContractError: If the two do not speak of the same catalogue.
    """

    histories: Histories
    sids: SidTable

    def __post_init__(self) -> None:
        theirs, ours = self.histories.item_ids, self.sids.item_ids
        if len(theirs) != len(ours) or not theirs.equals(ours):
            raise DataContractError(
                f"dataset: histories know {len(theirs):,} items and the SID table {len(ours):,}, and they are not the "
                "same in the same order; both must come from one catalogue. Run semantic_ids again on this catalogue."
            )


def read_dataset(files: Mapping[str, Path]) -> Dataset:
    """The data set whose parts are the shards of a histories artifact and one semantic_ids.parquet."""
    return Dataset(read_histories(files), read_semantic_ids(files))


def describe_dataset(dataset: Dataset, max_items: int) -> dict[str, Any]:
    """Facts of the data set: what the decoder can learn from and what it is measured on."""
    histories, sids = dataset.histories, dataset.sids
    lengths = np.diff(histories.offsets)
    n_train, n_validation = histories.n_train, histories.n_validation
    facts = {
        "users": len(lengths),
        "items": len(sids.codes),
        "events": int(lengths.sum()),
        "levels": len(sids.sizes),
        "vocabulary": int(sum(sids.sizes)),
        "training_targets": int(np.maximum(n_train - 1, 0).sum()),
        "validation_targets": int((n_validation > 0).sum()),
        "test_targets": int((lengths > n_train + n_validation).sum()),
        "truncated_contexts": int((lengths - 1 > max_items).sum()),
    }
    logger.info("dataset: %(users)d users, %(items)d items, %(training_targets)d training targets", facts)
    return facts
