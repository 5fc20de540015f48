"""Rollback: which release, what is refused, what a run does afterwards."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from sidflow.artifacts import Store
from sidflow.errors import ArtifactError, CorruptArtifact, MissingArtifact
from sidflow.lifecycle.rollback import roll_back
from sidflow.release import (
    Release,
    append_again,
    current_release,
    entry_before,
    find_entry,
    find_release,
    log_entries,
    previous_release,
    withdrawn,
)
from tests.lifecycle.small import put_release, put_segment
from tests.released import release


@pytest.fixture
def stored(own_releases: Path) -> tuple[Store, Release, Release]:
    """A store of one's own, and its two releases, oldest first."""
    store = Store(str(own_releases / "store"))
    first, second = (find_release(store, each.release) for each in log_entries(store))
    return store, first, second


def live(store: Store) -> str:
    """Id of what is live."""
    found = current_release(store)
    assert found is not None
    return found.id


def test_back_to_what_was_live_before(stored: tuple[Store, Release, Release]) -> None:
    """The older release is live; the other stays in the log and may be gone back to by name."""
    store, first, second = stored
    done = roll_back(store)
    assert (done.live.release, done.left, done.withdrawn) == (first.id, second.id, False)
    assert live(store) == first.id
    assert previous_release(store, second.as_of.replace(year=2030)) == second
    assert roll_back(store, second.id[:6]).live.release == second.id


def test_nothing_to_go_back_to(stored: tuple[Store, Release, Release]) -> None:
    """After a rollback to the first release there is none before it."""
    store, _, _ = stored
    roll_back(store)
    with pytest.raises(MissingArtifact, match=r"nothing was live before the current release.*sidflow releases"):
        roll_back(store)


def test_repeated_rollbacks_never_return_to_what_was_left(store: Store) -> None:
    """From the third to the second, then to the first."""
    segment = put_segment(store, "s", ["a"], [])
    for day, name in enumerate(("one", "two", "three"), start=1):
        put_release(store, name, day, segment)
    for expected in ("two", "one"):
        entries = log_entries(store)
        target = entry_before(entries)
        assert target is not None
        assert target.release == expected
        append_again(store, entries, "rollback", target)
    assert entry_before(log_entries(store)) is None


def test_withdrawing_what_is_left(stored: tuple[Store, Release, Release]) -> None:
    """It is never live and never `previous` again, and cannot be rolled back to."""
    store, first, second = stored
    assert roll_back(store, withdraw=True).withdrawn
    assert withdrawn(log_entries(store)) == {second.id}
    assert live(store) == first.id
    assert previous_release(store, second.as_of.replace(year=2030)) == first
    with pytest.raises(ArtifactError, match="was withdrawn, and what was withdrawn never becomes live again"):
        roll_back(store, second.id)


def test_withdrawing_it_later(stored: tuple[Store, Release, Release]) -> None:
    """Naming the release that is live, with --withdraw, withdraws what was left; once."""
    store, first, second = stored
    roll_back(store)
    assert roll_back(store, first.id, withdraw=True).left == second.id
    assert withdrawn(log_entries(store)) == {second.id}
    with pytest.raises(ArtifactError, match="is live already"):
        roll_back(store, first.id)


def test_unknown_and_live_releases_are_refused(stored: tuple[Store, Release, Release]) -> None:
    """With what there is."""
    store, first, second = stored
    with pytest.raises(MissingArtifact, match=f"'zz': 0 releases match; there are: {first.id}, {second.id}"):
        roll_back(store, "zz")
    with pytest.raises(ArtifactError, match="is live already"):
        roll_back(store, second.id)


def test_a_release_that_cannot_be_served_is_refused(stored: tuple[Store, Release, Release]) -> None:
    """A flipped byte in its decoder: nothing changes, and the message says which part."""
    store, first, second = stored
    path = next(iter(store.files(first.artifact("decoder")).values()))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(CorruptArtifact, match=f"{first.id}: cannot be served, so nothing was changed.*decoder"):
        roll_back(store)
    assert live(store) == second.id
    assert len(log_entries(store)) == 2


def test_a_collected_release_is_refused(stored: tuple[Store, Release, Release]) -> None:
    """It is named as collected."""
    store, first, _ = stored
    entries = log_entries(store)
    append_again(store, entries, "collect", find_entry(entries, first.id))
    with pytest.raises(MissingArtifact, match=f"{first.id} was collected by gc"):
        roll_back(store, first.id)


def test_an_identical_run_leaves_the_rollback_alone_and_says_so(
    stored: tuple[Store, Release, Release], own_releases: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The release that was left is found in the cache and does not become live; promoting it does."""
    store, first, second = stored
    roll_back(store)
    with caplog.at_level("WARNING"):
        again = release(own_releases, ["refresh.force=full"])
    assert again.id == second.id
    assert live(store) == first.id
    assert f"Release {second.id} is not live" in caplog.text
    assert f"sidflow rollback {second.id}" in caplog.text
    release(own_releases, ["refresh.force=full", "release.promote=true"])
    assert live(store) == second.id


def test_an_identical_run_after_a_withdrawal(
    stored: tuple[Store, Release, Release], own_releases: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even a promotion brings a withdrawn release back."""
    store, first, second = stored
    roll_back(store, withdraw=True)
    with caplog.at_level("WARNING"):
        release(own_releases, ["refresh.force=full", "release.promote=true"])
    assert live(store) == first.id
    assert f"Release {second.id} was withdrawn" in caplog.text


def test_new_data_make_a_new_release_after_a_rollback(
    stored: tuple[Store, Release, Release], own_releases: Path
) -> None:
    """It is live, and builds on the one that was not withdrawn."""
    store, first, _ = stored
    roll_back(store, withdraw=True)
    log = own_releases / "interactions.csv"
    last = log.read_text().splitlines()[-1].split(",")
    last[2] = str(int(last[2]) + 3600)
    log.write_text(log.read_text() + ",".join(last) + "\n")
    made = release(own_releases)
    assert live(store) == made.id
    assert made.previous == first.id


def test_the_command(
    stored: tuple[Store, Release, Release], own_releases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what is live, how to undo it, and that no server heard of it."""
    _, first, second = stored
    monkeypatch.chdir(own_releases)
    monkeypatch.setenv("PREFECT_HOME", str(own_releases / "prefect"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    result = CliRunner().invoke(app, ["rollback"], catch_exceptions=False)
    assert f"Release {first.id}" in result.stdout
    assert f"Undo with: sidflow rollback {second.id}" in result.stdout
    assert "No Prefect server at hand" in result.stdout
    result = CliRunner().invoke(app, ["rollback", first.id, "--withdraw", "--json"], catch_exceptions=False)
    answer = json.loads(result.stdout)
    assert answer == {
        "release": first.id,
        "as_of": first.as_of.isoformat(),
        "from": second.id,
        "withdrawn": True,
        "event": False,
    }
