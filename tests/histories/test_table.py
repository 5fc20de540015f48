"""The files that hold histories."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sidflow.errors import CorruptArtifact, ShapeError
from sidflow.histories import Histories, read_histories, training_events, write_histories
from tests.factories import make_histories

ARRAYS = ("offsets", "items", "timestamps", "n_train", "n_validation")


def small() -> Histories:
    """Two users: a has items 1, 0, 2, 1; b has item 2."""
    return Histories(
        user_ids=pa.array(["a", "b"]),
        offsets=np.array([0, 4, 5]),
        items=np.array([1, 0, 2, 1, 2], np.int32),
        timestamps=np.array([1, 2, 3, 4, 5]),
        n_train=np.array([2, 1], np.int32),
        n_validation=np.array([1, 0], np.int32),
        item_ids=pa.array(["x", "y", "z"]),
    )


@pytest.mark.parametrize(("users_per_shard", "shards"), [(1000, 1), (60, 1), (59, 2), (7, 9)])
def test_round_trip(tmp_path: Path, users_per_shard: int, shards: int) -> None:
    """Any number of shards gives the same arrays, types included."""
    histories = make_histories()
    write_histories(histories, tmp_path, users_per_shard)
    files = {path.name: path for path in tmp_path.iterdir()}
    assert sorted(files) == [*(f"histories-{k:05d}.arrow" for k in range(shards)), "items.arrow"]
    found = read_histories(files)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(histories, name))
        assert getattr(found, name).dtype == getattr(histories, name).dtype
    assert found.user_ids.to_pylist() == histories.user_ids.to_pylist()
    assert found.item_ids.equals(histories.item_ids)


def test_one_shard_is_mapped_not_read(tmp_path: Path) -> None:
    """The arrays are views of the file."""
    write_histories(make_histories(), tmp_path, 1000)
    before = pa.total_allocated_bytes()
    found = read_histories({path.name: path for path in tmp_path.iterdir()})
    assert pa.total_allocated_bytes() == before
    assert not found.items.flags.owndata and not found.items.flags.writeable


def test_large_shards_are_joined_in_a_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same arrays, which the system may put out of memory; the folder holds what it held."""
    monkeypatch.setattr("sidflow.histories.table.IN_MEMORY", 1)
    histories = make_histories()
    write_histories(histories, tmp_path, 7)
    before = sorted(path.name for path in tmp_path.iterdir())
    found = read_histories({path.name: path for path in tmp_path.iterdir()})
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(histories, name))
    assert not found.items.flags.owndata and not found.items.flags.writeable
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_no_users(tmp_path: Path) -> None:
    """Empty histories are still a shard."""
    none = Histories(
        pa.array([], pa.string()), np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64),
        np.zeros(0, np.int32), np.zeros(0, np.int32), pa.array(["x"]),
    )  # fmt: skip
    write_histories(none, tmp_path, 10)
    found = read_histories({path.name: path for path in tmp_path.iterdir()})
    assert len(found.user_ids) == 0 and found.offsets.tolist() == [0] and found.item_ids.to_pylist() == ["x"]


def test_training_events() -> None:
    """Only the training prefix of every user, repacked."""
    offsets, items, timestamps = training_events(small())
    assert offsets.tolist() == [0, 2, 3] and items.tolist() == [1, 0, 2] and timestamps.tolist() == [1, 2, 5]
    assert items.dtype == np.int32


def test_training_events_of_users_without_any() -> None:
    """They stay as empty users."""
    histories = small()
    histories.n_train[:] = [0, 1]
    offsets, items, _ = training_events(histories)
    assert offsets.tolist() == [0, 0, 1] and items.tolist() == [2]


def test_shards_must_be_there(tmp_path: Path) -> None:
    """The message lists the files that are there."""
    with pytest.raises(CorruptArtifact, match=r"needs items.arrow and histories-00000.arrow, got \['items.arrow'\]"):
        read_histories({"items.arrow": tmp_path / "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("offsets", np.array([0, 5])),
        ("offsets", np.array([1, 4, 5])),
        ("offsets", np.array([0, 4, 6])),
        ("timestamps", np.array([1])),
        ("n_train", np.array([1], np.int32)),
    ],
)
def test_arrays_must_fit_together(name: str, value: np.ndarray) -> None:
    """Sizes are checked once, on construction."""
    with pytest.raises(ShapeError, match="histories: "):
        Histories(**{**vars(small()), name: value})
