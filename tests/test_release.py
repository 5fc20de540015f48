"""The release log: what is current, what is previous, races, withdrawal, rollback."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sidflow.artifacts import Artifact, Store
from sidflow.artifacts.manifest import Manifest
from sidflow.errors import MissingArtifact
from sidflow.release import (
    Release,
    announce,
    append,
    current_release,
    find_release,
    log_entries,
    previous_release,
    release_artifact,
    release_id,
)
from tests.artifacts.making import make_manifest


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(str(tmp_path / "store"))


def at(day: int) -> datetime:
    """A day of July 2014."""
    return datetime(2014, 7, day, tzinfo=UTC)


def make(store: Store, name: str, day: int) -> tuple[Release, Artifact]:
    """A release artifact of that day, not yet announced."""
    pinned = Artifact(kind="pairs", fingerprint="a" * 64, path="artifacts/pairs/x/attempts/y/data")
    release = Release(
        id=name, as_of=at(day), previous=None, artifacts={"pairs": pinned}, decision="full", metrics={"test": {}}
    )
    attempt = store.begin("release", name)
    (attempt.data / "release.json").write_text(release.model_dump_json())
    content = make_manifest(attempt.name, 1, attempt.parts()).model_dump()
    manifest = Manifest.model_validate({**content, "kind": "release", "fingerprint": name})
    store.record(manifest)
    return release, store.artifact(manifest)


def publish(store: Store, name: str, day: int, promote: bool = False) -> str:
    """Make and announce a release; returns what the log called it."""
    return announce(store, *make(store, name, day), promote).action


def test_an_empty_log_has_no_release(store: Store) -> None:
    """Nothing is current and nothing is previous."""
    assert current_release(store) is None
    assert previous_release(store, at(9)) is None


def test_the_newest_is_current_and_the_one_before_is_previous(store: Store) -> None:
    """`previous` is strictly below the logical time: a run never finds itself."""
    publish(store, "one", 1)
    publish(store, "two", 2)
    assert current_release(store) == find_release(store, "two")
    assert previous_release(store, at(2)) == find_release(store, "one")
    assert previous_release(store, at(3)) == find_release(store, "two")
    assert previous_release(store, at(1)) is None


def test_an_older_release_is_historical(store: Store) -> None:
    """It can be previous; it becomes current only if promoted."""
    publish(store, "new", 9)
    assert publish(store, "old", 3) == "historical"
    assert current_release(store) == find_release(store, "new")
    assert previous_release(store, at(5)) == find_release(store, "old")
    assert publish(store, "old", 3, promote=True) == "publish"
    assert current_release(store) == find_release(store, "old")


def test_announcing_twice_writes_once(store: Store) -> None:
    """An identical run publishes nothing."""
    made = make(store, "one", 1)
    announce(store, *made, promote=False)
    announce(store, *made, promote=False)
    assert [each.n for each in log_entries(store)] == [1]


def test_an_identical_run_does_not_become_current_again(store: Store) -> None:
    """After another release of the same day went live, repeating the first changes nothing."""
    one, two = make(store, "one", 1), make(store, "two", 1)
    for made in (one, two, one):
        announce(store, *made, promote=False)
    assert current_release(store) == two[0]


def test_withdrawal_and_rollback(store: Store) -> None:
    """A withdrawn release is neither current nor previous; a rollback makes an older one live."""
    one, two = make(store, "one", 1), make(store, "two", 2)
    announce(store, *one, promote=False)
    announce(store, *two, promote=False)
    append(store, log_entries(store), "withdraw", *two)
    assert current_release(store) == one[0]
    assert previous_release(store, at(5)) == one[0]
    three = make(store, "three", 3)
    announce(store, *three, promote=False)
    append(store, log_entries(store), "rollback", *one)
    assert current_release(store) == one[0]


def test_racing_writers_all_get_a_place(store: Store) -> None:
    """Eight releases announced at once: eight entries, numbered without gaps, and the newest is current."""
    made = [make(store, f"r{day}", day) for day in range(1, 9)]
    barrier = threading.Barrier(8)

    def race(release: Release, artifact: Artifact) -> None:
        barrier.wait()
        announce(store, release, artifact, promote=False)

    threads = [threading.Thread(target=race, args=each) for each in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.n for each in log_entries(store)] == list(range(1, 9))
    assert current_release(store) == made[-1][0]


def test_finding_by_prefix_and_tag(store: Store) -> None:
    """A unique prefix or a tag names a release; anything else is refused with what there is."""
    announce(store, *make(store, "abc1", 1), promote=False, tags=("gold",))
    announce(store, *make(store, "abd2", 2), promote=False)
    assert find_release(store, "abc").id == "abc1"
    assert find_release(store, "gold").id == "abc1"
    with pytest.raises(MissingArtifact, match="2 releases match; there are: abc1, abd2"):
        find_release(store, "ab")
    with pytest.raises(MissingArtifact, match="0 releases match"):
        find_release(store, "zz")


def test_handles(store: Store) -> None:
    """A release's own handle and those it pins are found by name."""
    release, artifact = make(store, "one", 1)
    announce(store, release, artifact, promote=False)
    assert release_artifact(store, "one") == artifact
    assert release.artifact("pairs").kind == "pairs"
    with pytest.raises(MissingArtifact, match="no artifact 'decoder'; allowed: pairs"):
        release.artifact("decoder")
    with pytest.raises(MissingArtifact, match="does not name it"):
        release_artifact(store, "two")


def test_the_id_is_short_and_stable() -> None:
    """Twelve hex digits of the recipe's sha256."""
    assert release_id("abc") == "ba7816bf8f01"
