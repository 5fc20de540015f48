"""What the log says of each event."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.errors import ConfigError
from sidflow.export.language_events import check_logged, logged_texts
from sidflow.histories.table import Histories
from sidflow.schemas import TIME


def write_log(path: Path, rows: list[tuple[str, str, int, str | None, float | None]]) -> Path:
    """An interactions file of (user, item, time in microseconds, event, weight)."""
    users, items, times, events, weights = (list(column) for column in zip(*rows, strict=True))
    columns = {
        "user_id": users,
        "item_id": items,
        "timestamp": pa.array(times, TIME),
        "event": pa.array(events, pa.string()),
        "weight": pa.array(weights, pa.float64()),
    }
    pq.write_table(pa.table(columns), path)
    return path


HISTORIES = Histories(
    user_ids=pa.array(["u", "v"]),
    offsets=np.array([0, 3, 4]),
    items=np.array([1, 0, 1, 0], np.int32),
    timestamps=np.array([10, 20, 30, 20]),
    n_train=np.array([3, 1], np.int32),
    n_validation=np.array([0, 0], np.int32),
    item_ids=pa.array(["a", "b"]),
)


def test_each_event_gets_its_own_words(tmp_path: Path) -> None:
    """By user, item and time, over several files, in the order of the histories; a silent row is empty."""
    first = write_log(tmp_path / "1.parquet", [("v", "a", 20, "buy", 0.25), ("u", "b", 30, None, None)])
    second = write_log(tmp_path / "2.parquet", [("u", "b", 10, "view", 3.0), ("u", "a", 20, "view <a_1>", 1234567.5)])
    files = {"1.parquet": first, "2.parquet": second}
    assert logged_texts(files, HISTORIES, ["weight", "event"]) == {
        "weight": ["3", "1234567.5", "", "0.25"],
        "event": ["view", "view < a_1>", "", "buy"],
    }


def test_others_and_repeats_do_not_count(tmp_path: Path) -> None:
    """Users of other shards and items outside the catalogue are left out; of a repeat the first row counts."""
    rows = [
        ("w", "a", 20, "buy", 1.0),
        ("u", "c", 10, "buy", 1.0),
        ("u", "b", 10, "view", 1.0),
        ("u", "b", 10, "buy", 2.0),
    ]
    files = {"1.parquet": write_log(tmp_path / "1.parquet", rows)}
    assert logged_texts(files, HISTORIES, ["event"]) == {"event": ["view", "", "", ""]}


def test_nothing_asked_is_nothing_read() -> None:
    """Without names no file is opened."""
    assert logged_texts({"gone.parquet": Path("gone.parquet")}, HISTORIES, []) == {}


def test_a_log_without_the_column_is_refused(tmp_path: Path) -> None:
    """The message names the setting that maps it."""
    path = tmp_path / "1.parquet"
    pq.write_table(pa.table({"user_id": ["u"], "item_id": ["a"], "timestamp": pa.array([1], TIME)}), path)
    with pytest.raises(ConfigError, match=r"has no 'weight'; .* map interactions.columns.weight and run again"):
        check_logged({"1.parquet": path}, ["weight"])
