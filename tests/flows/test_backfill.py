"""Backfills: which dates, in which order, and that a repeated one does nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.csv as pc
import pytest

from flows.backfill import list_moments
from sidflow.artifacts import Store
from sidflow.errors import ConfigError
from sidflow.release import current_release, log_entries
from tests.conftest import Sidflow

FIRST = datetime(2014, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("end", "every", "days"),
    [("2014-05-15", "7d", [1, 8, 15]), ("2014-05-14", "1w", [1, 8]), ("2014-05-01", "12h", [1])],
)
def test_moments(end: str, every: str, days: list[int]) -> None:
    """From the start in steps to the end, which is included if the steps reach it."""
    found = list_moments(FIRST, datetime.fromisoformat(end).replace(tzinfo=UTC), every)
    assert [each.day for each in found] == days


def test_naive_moments_are_utc() -> None:
    """A date without a zone is UTC."""
    assert list_moments(datetime(2014, 5, 1), datetime(2014, 5, 1), "1d") == [FIRST]


@pytest.mark.parametrize(
    ("end", "every", "message"), [("2014-05-02", "0d", "--every 0d"), ("2014-04-01", "1d", "lies before --start")]
)
def test_mistakes(end: str, every: str, message: str) -> None:
    """A step of nothing and an end before the start are named."""
    with pytest.raises(ConfigError, match=message):
        list_moments(FIRST, datetime.fromisoformat(end).replace(tzinfo=UTC), every)


@pytest.mark.slow
def test_three_dates_oldest_first_and_again(sidflow: Sidflow, world: Path) -> None:
    """Three releases in order, each with the one before as its previous; a repeat makes nothing."""
    times = sorted(pc.read_csv(world / "interactions.csv")["timestamp"].to_pylist())
    start, middle = (datetime.fromtimestamp(times[int(len(times) * share)], UTC) for share in (0.5, 0.75))
    hours = int((middle - start).total_seconds() // 3600)
    end = start + timedelta(hours=2 * hours)
    arguments = ("--start", start.isoformat(), "--end", end.isoformat(), "--every", f"{hours}h")
    process = sidflow("backfill", *arguments, "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    store = Store(str(world / "store"))
    entries = log_entries(store)
    assert [each["release"] for each in json.loads(out)] == [each.release for each in entries]
    assert len(entries) == 3
    assert [each.as_of for each in entries] == sorted(each.as_of for each in entries)
    live = current_release(store)
    assert live is not None
    assert (live.id, live.previous) == (entries[2].release, entries[1].release)
    again = sidflow("backfill", *arguments, "--json")
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert all(step["cached"] for summary in json.loads(out) for step in summary["artifacts"])
    assert log_entries(store) == entries
