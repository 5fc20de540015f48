"""Codebooks that cannot fit the catalogue are refused before a later run spends anything."""

from pathlib import Path

import pytest

from flows.steps import Steps
from sidflow.artifacts import Artifact, Store
from sidflow.config import Config, load_config
from sidflow.errors import DataContractError
from sidflow.release import Release, current_release


@pytest.fixture
def store(two_releases: Path) -> Store:
    """The store of two releases."""
    return Store(str(two_releases / "store"))


@pytest.fixture
def release(store: Store) -> Release:
    """The newest of them."""
    found = current_release(store)
    assert found is not None
    return found


def catalogue(release: Release) -> Artifact:
    """Its catalogue of 40 items."""
    return release.artifact("catalogue")


def settings(folder: Path, *overrides: str) -> Config:
    """The configuration of the world, changed."""
    return load_config(folder / "pipeline.yaml", overrides)


@pytest.mark.parametrize("force", ["auto", "full"])
def test_items_without_room_are_refused_on_later_runs_too(
    two_releases: Path, store: Store, release: Release, force: str
) -> None:
    """Wherever a refit may happen; not when SIDs are made to stay, or when the run ends before the quantiser."""
    small = ("quantizer.codebooks=[4,4]", f"refresh.force={force}")
    with pytest.raises(DataContractError, match="40 items but only 16 SIDs"):
        Steps(store).check_sizes(catalogue(release), settings(two_releases, *small), release)
    Steps(store, until="pairs").check_sizes(catalogue(release), settings(two_releases, *small), release)
    for stays in ("keep", "assign_new"):
        kept = settings(two_releases, small[0], f"refresh.force={stays}")
        Steps(store).check_sizes(catalogue(release), kept, release)


def test_too_many_codes_are_refused_where_a_fit_is_certain(two_releases: Path, store: Store, release: Release) -> None:
    """At first, by force, or with other settings than the last fit's; a shrunken catalogue may keep its SIDs."""
    same = settings(two_releases)
    fitted = store.manifest(release.artifact("quantizer")).identity
    assert fitted == same.quantizer.identity()
    large = settings(two_releases, "quantizer.codebooks=[64,64]")
    Steps(store).check_sizes(catalogue(release), same, release)
    for config, previous in ((large, release), (large, None)):
        with pytest.raises(DataContractError, match="fewer items than codes: 40 items"):
            Steps(store).check_sizes(catalogue(release), config, previous)
