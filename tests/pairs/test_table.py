"""The pairs artifact on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.errors import DataContractError, ShapeError
from sidflow.pairs import table
from sidflow.pairs.table import Pairs, read_pairs, write_pairs

IDS = pa.array(["007", "a", "b", "c"])


def make_pairs(a: list[int], b: list[int]) -> Pairs:
    """Pairs with distinguishable columns; every second one is significant, the first held out."""
    rank = np.arange(len(a))
    return Pairs(
        a=np.array(a, np.int32),
        b=np.array(b, np.int32),
        support=(rank + 2).astype(np.int32),
        expected=rank + 0.25,
        pmi=rank + 0.5,
        p_value=10.0 ** -(rank + 3),
        significant=rank % 2 == 0,
        weight=(rank + 0.125).astype(np.float32),
        heldout=rank == 0,
    )


@pytest.mark.parametrize(("a", "b"), [([0, 0, 1], [1, 3, 2]), ([], [])])
def test_round_trip(tmp_path: Path, a: list[int], b: list[int]):
    """Every column comes back with its type, also without rows."""
    pairs = replace(make_pairs(a, b), decayed=np.full(len(a), 0.5, np.float32))
    write_pairs(pairs, IDS, tmp_path)
    found = read_pairs({"pairs.parquet": tmp_path / "pairs.parquet"}, IDS)
    for name, column in vars(pairs).items():
        assert getattr(found, name).dtype == column.dtype, name
        assert getattr(found, name).tolist() == column.tolist(), name


def test_without_half_lives_there_is_no_column_for_them(tmp_path: Path):
    """The column `decayed` is optional."""
    write_pairs(make_pairs([0, 1], [1, 2]), IDS, tmp_path)
    assert "decayed" not in pq.read_table(tmp_path / "pairs.parquet").column_names
    assert read_pairs({"pairs.parquet": tmp_path / "pairs.parquet"}, IDS).decayed is None


def test_columns_are_readable_by_anyone(tmp_path: Path):
    """The file speaks in item ids and tier names."""
    write_pairs(make_pairs([0, 1], [1, 2]), IDS, tmp_path)
    table = pq.read_table(tmp_path / "pairs.parquet")
    assert table.column_names == [
        "item_a",
        "item_b",
        "support",
        "expected",
        "pmi",
        "p_value",
        "tier",
        "weight",
        "heldout",
    ]
    assert table.select(["item_a", "item_b", "support", "tier"]).to_pylist() == [
        {"item_a": "007", "item_b": "a", "support": 2, "tier": "significant"},
        {"item_a": "a", "item_b": "b", "support": 3, "tier": "top-up"},
    ]


def test_indices_follow_the_catalogue_given(tmp_path: Path):
    """The same pairs against a grown catalogue have new indices, still sorted."""
    write_pairs(make_pairs([0, 1], [2, 3]), IDS, tmp_path)
    found = read_pairs({"pairs.parquet": tmp_path / "pairs.parquet"}, pa.array(["000", "007", "a", "aa", "b", "c"]))
    assert (found.a.tolist(), found.b.tolist()) == ([1, 2], [4, 5])


def test_rows_in_any_order_are_read_sorted(tmp_path: Path):
    """Other writers may not sort."""
    write_pairs(make_pairs([2, 0], [3, 1]), IDS, tmp_path)
    found = read_pairs({"pairs.parquet": tmp_path / "pairs.parquet"}, IDS)
    assert (found.a.tolist(), found.support.tolist()) == ([0, 2], [3, 2])


def test_an_unknown_item_is_refused(tmp_path: Path):
    """Pairs of another catalogue."""
    write_pairs(make_pairs([0], [3]), IDS, tmp_path)
    with pytest.raises(DataContractError, match=r"1 ids are not in the catalogue, first 'c'"):
        read_pairs({"pairs.parquet": tmp_path / "pairs.parquet"}, IDS.slice(0, 3))


def test_a_pair_outside_the_catalogue_is_not_written(tmp_path: Path):
    """Indices that no id belongs to."""
    with pytest.raises(ShapeError, match="pairs point up to item 4, but the catalogue has 4 items"):
        write_pairs(make_pairs([0], [4]), IDS, tmp_path)


def test_columns_of_unequal_length_are_refused():
    """A column that does not fit names itself."""
    pairs = make_pairs([0], [1])
    with pytest.raises(ShapeError, match=r"pairs.weight has shape \(2,\), but pairs.a has \(1,\)"):
        Pairs(**{**vars(pairs), "weight": np.zeros(2, np.float32)})


def test_row_groups_are_written_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Three groups read back as one table."""
    monkeypatch.setattr(table, "_ROWS", 2)
    pairs = make_pairs([0, 0, 0, 1, 2], [1, 2, 3, 2, 3])
    write_pairs(pairs, IDS, tmp_path)
    assert pq.read_metadata(tmp_path / "pairs.parquet").num_row_groups == 3
    found = read_pairs({"pairs.parquet": tmp_path / "pairs.parquet"}, IDS)
    assert found.b.tolist() == pairs.b.tolist() and found.weight.tolist() == pairs.weight.tolist()


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -0.5])
def test_weights_that_no_loss_could_take_are_refused(weight: float):
    """Which, how many, and what is allowed."""
    pairs = make_pairs([0, 1], [1, 2])
    with pytest.raises(DataContractError, match=rf"pairs.weight: 1 of 2 weights .* first {weight} in row 1; allowed"):
        replace(pairs, weight=np.array([1, weight], np.float32))
