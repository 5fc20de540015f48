"""The data set: histories beside the SID table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sidflow.dataset.build import Dataset, describe_dataset, read_dataset
from sidflow.errors import DataContractError
from sidflow.histories.table import write_histories
from sidflow.semantic_ids.table import write_semantic_ids
from tests.decoder.worlds import planted_dataset, sids_of


def test_read_joins_histories_and_sids(tmp_path: Path) -> None:
    """The parts of a histories artifact and a SID table are one data set."""
    dataset, _ = planted_dataset()
    write_histories(dataset.histories, tmp_path, users_per_shard=25)
    write_semantic_ids(dataset.sids, tmp_path)
    read = read_dataset({path.name: path for path in tmp_path.iterdir()})
    assert np.array_equal(read.histories.items, dataset.histories.items)
    assert read.sids.digest() == dataset.sids.digest()


def test_reassignment_swaps_the_table_only() -> None:
    """New SIDs need no new sequences."""
    dataset, _ = planted_dataset()
    moved = replace(dataset.sids, codes=dataset.sids.codes[::-1].copy())
    assert Dataset(dataset.histories, moved).histories is dataset.histories


def test_another_catalogue_is_refused() -> None:
    """Histories and SIDs of different catalogues do not go together."""
    dataset, _ = planted_dataset()
    other = sids_of(dataset.sids.codes, pa.array([f"x{k}" for k in range(len(dataset.sids.codes))]))
    with pytest.raises(DataContractError, match="must come from one catalogue"):
        Dataset(dataset.histories, other)


def test_facts_count_targets() -> None:
    """Every training event but a user's first is a target."""
    dataset, _ = planted_dataset()
    facts = describe_dataset(dataset, max_items=4)
    histories = dataset.histories
    assert facts["training_targets"] == sum(max(int(n) - 1, 0) for n in histories.n_train)
    assert facts["test_targets"] == facts["validation_targets"] == int((np.diff(histories.offsets) >= 3).sum())
    assert facts["truncated_contexts"] == int((np.diff(histories.offsets) > 5).sum())
