"""Ingestion through the task: logical time, segments that are not read twice, clipping."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sidflow.artifacts import Artifact, Store
from sidflow.config import InteractionsConfig
from sidflow.errors import DataContractError
from tasks.ingest_interactions import effective_as_of, ingest_interactions
from tasks.stage import unwrap

DAY = 86_400


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two files: events of days 1 to 3, and of days 4 to 6."""
    folder = tmp_path / "log"
    folder.mkdir()
    for name, days in (("a.csv", (1, 2, 3)), ("b.csv", (4, 5, 6))):
        rows = "".join(f"u{day},i{day},{day * DAY}\n" for day in days)
        (folder / name).write_text("user_id,item_id,timestamp\n" + rows)
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(str(tmp_path / "store"))


def ingest(store: Store, log: Path, day: float | None = None) -> tuple[Artifact, bool]:
    """Interactions before a day of January 1970, and whether they were cached."""
    as_of = None if day is None else datetime.fromtimestamp(day * DAY, UTC)
    return unwrap(ingest_interactions.fn(store, InteractionsConfig(path=str(log)), as_of))


def users(store: Store, artifact: Artifact) -> list[str]:
    """The users of the artifact's folder, read as one table."""
    return sorted(pq.read_table(store.location(artifact))["user_id"].to_pylist())


def test_without_as_of_everything_is_taken(store: Store, log: Path) -> None:
    """The effective time is the newest event plus a microsecond."""
    artifact, _ = ingest(store, log)
    assert users(store, artifact) == ["u1", "u2", "u3", "u4", "u5", "u6"]
    assert effective_as_of(store, artifact).isoformat() == "1970-01-07T00:00:00.000001+00:00"


def test_a_later_as_of_is_the_same_run(store: Store, log: Path) -> None:
    """Logical times after the newest event are one and the same."""
    first = ingest(store, log)[0]
    assert ingest(store, log, 100) == (first, True)
    assert ingest(store, log, 200) == (first, True)


def test_as_of_is_exclusive_and_clips(store: Store, log: Path) -> None:
    """An event at the very time is left out; a straddling file is cut, an earlier one is taken whole."""
    artifact, _ = ingest(store, log, 5)
    assert users(store, artifact) == ["u1", "u2", "u3", "u4"]
    manifest = store.manifest(artifact)
    assert (manifest.rows, len(manifest.inputs)) == (4, 2)


def test_a_file_at_or_after_as_of_is_no_input(store: Store, log: Path) -> None:
    """New files of a later time change nothing about an earlier run."""
    first, _ = ingest(store, log, 4)
    assert len(store.manifest(first).inputs) == 1
    (log / "c.csv").write_text(f"user_id,item_id,timestamp\nu9,i9,{9 * DAY}\n")
    assert ingest(store, log, 4) == (first, True)


def test_files_that_are_there_already_are_not_cleaned_again(store: Store, log: Path) -> None:
    """A new day costs its own file; the old segments are linked, not copied."""
    ingest(store, log)
    before = {each.fingerprint for each in store.manifests() if each.kind == "segment"}
    (log / "c.csv").write_text(f"user_id,item_id,timestamp\nu9,i9,{9 * DAY}\n")
    artifact, _ = ingest(store, log)
    after = {each.fingerprint for each in store.manifests() if each.kind == "segment"}
    assert len(after - before) == 1
    assert users(store, artifact)[-1] == "u9"
    segment = next(each for each in store.manifests() if each.kind == "segment" and each.fingerprint in before)
    rows = next(part for part in segment.parts if part.name == "rows.parquet")
    root = store.storage.local_root
    assert root is not None
    assert (root / rows.path).stat().st_nlink == 3


def test_rejects_are_kept_with_their_reasons(store: Store, log: Path) -> None:
    """A bad row is counted by reason and found in the rejects of the artifact."""
    (log / "c.csv").write_text(f"user_id,item_id,timestamp\n,i1,{DAY}\nu1,i1,{2 * DAY}\n" + f"u1,i2,{3 * DAY}\n" * 20)
    artifact, _ = ingest(store, log)
    assert sum(store.manifest(artifact).metrics["rejects"].values()) == 1
    files = store.files(artifact)
    rejects = [pq.read_table(files[name]) for name in files if name.startswith("rejects/")]
    assert sum(each.num_rows for each in rejects) == 1


def test_nothing_before_as_of(store: Store, log: Path) -> None:
    """A time before all events is named with what there is."""
    with pytest.raises(DataContractError, match=r"no interaction before as_of 1970-01-01.*oldest is of 1970-01-02"):
        ingest(store, log, 0.5)


def test_a_renamed_file_is_the_same_input(store: Store, log: Path) -> None:
    """The path is operational: a single file under another name gives the same artifact."""
    first, _ = ingest(store, log / "a.csv")
    (log / "a.csv").rename(log / "z.csv")
    assert ingest(store, log / "z.csv") == (first, True)
