"""What tests of inspection share: the two releases of the session, opened."""

from pathlib import Path
from typing import NamedTuple

import pytest

from sidflow.artifacts import Store
from sidflow.release import Release, live_release, log_entries, read_release


class Two(NamedTuple):
    """A store with two releases, and both."""

    store: Store
    first: Release
    second: Release


def open_two(folder: Path) -> Two:
    """The store and its releases."""
    store = Store(str(folder / "store"))
    return Two(store, read_release(store, log_entries(store)[0].artifact), live_release(store))


@pytest.fixture
def two(two_releases: Path) -> Two:
    """Two releases, only to be read."""
    return open_two(two_releases)


@pytest.fixture
def own(own_releases: Path) -> Two:
    """Two releases that a test may harm."""
    return open_two(own_releases)
