"""The flow `score` as a user starts it: real processes, a real server, and a run that is killed."""

import csv
import os
import signal
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.conftest import start_sidflow
from tests.flows.conftest import Answer, finish

pytestmark = pytest.mark.slow


@pytest.fixture
def score(server: str, own_releases: Path) -> Any:
    """Run `sidflow score ARGUMENTS` in a folder with two releases and wait."""

    def run(*arguments: str, code: int = 0) -> Answer:
        return finish(start_sidflow(server, own_releases, "score", *arguments), code)

    return run


def test_everyone_is_scored(score: Any, own_releases: Path) -> None:
    """The answer names release, path and rows; a second run without --force is refused before it does anything."""
    answer, said = score("--out", "scores.parquet", "-k", "3", "--json")
    assert "server of PREFECT_API_URL" in said
    table = pq.read_table(own_releases / "scores.parquet")
    assert (answer["what"], answer["rows"]) == ("recommendations", len(table))
    assert answer["path"] == str(own_releases / "scores.parquet")
    assert set(table["release"].to_pylist()) == {answer["release"]}
    assert len(set(table["user_id"].to_pylist())) == 60
    _, said = score("--out", "scores.parquet", code=2)
    assert "scores.parquet: is there already; give another name, or --force" in said


LONG = ("-k", "100000")  # more than the catalogue has: few users fit into a shard, so that there are many


def test_a_killed_run_leaves_no_file_and_the_next_one_finishes(server: str, score: Any, own_releases: Path) -> None:
    """Killed between two shards: nothing under the final name; the same command again gives what one go gives."""
    process = start_sidflow(server, own_releases, "score", "--out", "scores.csv", *LONG)
    cache = own_releases / "store" / "cache" / "scores"
    deadline = time.monotonic() + 120
    while not list(cache.glob("*/*.parquet")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (own_releases / "scores.csv").exists()
    assert len(list(cache.glob("*/*.parquet"))) < 15
    answer, _ = score("--out", "scores.csv", "--json", *LONG)
    whole, _ = score("--out", "whole.csv", "--json", *LONG)
    assert answer["rows"] == whole["rows"]
    assert identity(own_releases / "scores.csv") == identity(own_releases / "whole.csv")
    assert not list(cache.glob("*/*"))


def identity(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file but for the scores, whose last bits may differ."""
    with path.open(newline="") as file:
        return [{name: row[name] for name in row if name != "score"} for row in csv.DictReader(file)]
