"""Names of releases."""

import pytest

from sidflow.artifacts import Store
from sidflow.errors import MissingArtifact
from sidflow.inspection.naming import name_release
from sidflow.release import announce, release_artifact
from tests.inspection.conftest import Two


def test_current_previous_ids_and_their_starts(two: Two) -> None:
    """Each form means one release."""
    for name, release in [
        ("current", two.second),
        ("previous", two.first),
        (two.first.id, two.first),
        (two.first.id[:7], two.first),
    ]:
        assert name_release(two.store, name) == release


def test_a_tag(own: Two) -> None:
    """A tag names its release."""
    assert announce(own.store, own.first, release_artifact(own.store, own.first.id), True, ("spring",)).n == 3
    assert name_release(own.store, "spring") == own.first


def test_nothing_before_the_first(own: Two) -> None:
    """Where there is none before, the message says so."""
    announce(own.store, own.first, release_artifact(own.store, own.first.id), True)
    with pytest.raises(MissingArtifact, match=f"'previous': there is none before the current one, {own.first.id}"):
        name_release(own.store, "previous")


def test_unknown_names_list_the_known(two: Two) -> None:
    """The ids that exist are named."""
    with pytest.raises(MissingArtifact, match=f"0 releases match; there are: {two.first.id}, {two.second.id}"):
        name_release(two.store, "summer")


def test_an_empty_store(tmp_path: object) -> None:
    """No release at all says how to make one."""
    with pytest.raises(MissingArtifact, match="make one with: sidflow run"):
        name_release(Store(str(tmp_path)), "current")
