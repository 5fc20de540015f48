"""The release log as `sidflow releases` lists it, also after garbage collection."""

import json
import shutil
from pathlib import Path

import pytest

from sidflow.artifacts import Store
from sidflow.inspection.timeline import LogLine, list_releases
from sidflow.release import LOG, append, log_entries, release_artifact
from tests.inspection.conftest import Two


def log(two: Two, action: str, of_first: bool = True) -> list[LogLine]:
    """Append an entry with any action, and list the log."""
    release = two.first if of_first else two.second
    entry = append(two.store, log_entries(two.store), "publish", release, release_artifact(two.store, release.id))
    assert entry is not None
    path = f"{LOG}/{entry.n:08d}.json"
    line = json.loads(two.store.storage.read(path) or b"")
    two.store.storage.write(path, json.dumps(line | {"action": action, "tags": ["[red]spring"]}).encode())
    return list_releases(two.store)


def test_two_releases(two: Two) -> None:
    """Order, marks, and each release's worth beside the one before."""
    first, second = list_releases(two.store)
    assert [each.n for each in (first, second)] == [1, 2]
    assert (first.release, second.release) == (two.first.id, two.second.id)
    assert (first.current, second.current) == (False, True)
    assert (first.withdrawn, second.withdrawn) == (False, False)
    assert first.as_of == two.first.as_of < second.as_of
    assert first.at < second.at
    assert first.worth is not None and second.worth is not None
    assert (first.worth.decision, second.worth.decision) == (two.first.decision, two.second.decision)
    assert (first.worth.previous, second.worth.previous) == (None, two.first.id)
    assert first.worth.recall_gain is None
    gain = two.second.metrics["test"]["recall@10"] - two.first.metrics["test"]["recall@10"]
    assert second.worth.recall_gain == pytest.approx(gain)
    assert first.worth.churn is None
    facts = two.store.manifest(two.second.artifact("semantic_ids")).metrics
    assert (second.worth.churn, second.worth.churn_traffic) == (facts["churn"], facts["churn_traffic"])


def test_size_counts_a_shared_part_once(two: Two) -> None:
    """The data set refers to the histories' files: a release's size counts them once."""
    parts = {
        part.path: part.bytes
        for artifact in two.second.artifacts.values()
        for part in two.store.manifest(artifact).parts
    }
    worth = list_releases(two.store)[1].worth
    assert worth is not None
    assert worth.bytes == sum(parts.values())
    assert worth.bytes < sum(two.store.manifest(each).bytes for each in two.second.artifacts.values())


def test_a_rollback_marks_what_is_live_and_keeps_the_history(own: Two) -> None:
    """The new entry is current; the release it names shows its worth again."""
    lines = log(own, "rollback")
    assert [each.current for each in lines] == [False, False, True]
    assert lines[2].worth == lines[0].worth
    assert lines[2].tags == ("[red]spring",)


def test_a_withdrawn_release_is_marked(own: Two) -> None:
    """The entry that published it, not the one that withdraws it."""
    lines = log(own, "withdraw", of_first=False)
    assert [each.withdrawn for each in lines] == [False, True, False]
    assert [each.current for each in lines] == [True, False, False]


def test_an_unknown_action_is_shown_as_it_is(own: Two) -> None:
    """A newer sidflow may have written the log."""
    lines = log(own, "embargo")
    assert [each.action for each in lines] == ["publish", "publish", "embargo"]
    assert [each.current for each in lines] == [False, True, False]


def test_a_collected_release_stays_in_the_list(own: Two) -> None:
    """Its manifest is gone: the line stays without worth, and the next one loses its comparison only."""
    shutil.rmtree(Path(own.store.root) / own.first.artifact("pairs").path.split("/attempts")[0])
    assert all(each.worth for each in list_releases(own.store))  # a part of it may be gone
    shutil.rmtree(Path(own.store.root) / release_artifact(own.store, own.first.id).path.split("/attempts")[0])
    first, second = list_releases(own.store)
    assert first.worth is None
    assert (first.missing, second.missing) == ("collected", None)
    assert second.worth is not None
    assert second.worth.recall == own.second.metrics["test"]["recall@10"]
    assert second.worth.recall_gain is None


def test_a_corrupt_release_is_told_from_a_collected_one(own: Two) -> None:
    """Its record has another content than its checksum."""
    artifact = release_artifact(own.store, own.first.id)
    path = own.store.files(artifact)["release.json"]
    path.write_text(path.read_text().replace("full", "null"))
    assert [each.missing for each in list_releases(own.store)] == ["corrupt", None]


def test_an_empty_store(tmp_path: Path) -> None:
    """No log, no lines."""
    assert list_releases(Store(str(tmp_path))) == []
