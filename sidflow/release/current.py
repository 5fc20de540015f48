"""Releases of a store: finding them, and letting a new one become live."""

from datetime import datetime

from sidflow.artifacts import Artifact, Store
from sidflow.errors import MissingArtifact
from sidflow.release.log import LOG, Action, LogEntry, append, log_entries
from sidflow.release.record import Release, read_release
from sidflow.release.standing import current_entry, find_entry, previous_entry, standing, withdrawn


def current_release(store: Store) -> Release | None:
    """What is live: the newest entry that was published or rolled back to, and not withdrawn since."""
    entry = current_entry(log_entries(store))
    return None if entry is None else read_release(store, entry.artifact)


def live_release(store: Store) -> Release:
    """As `current_release`, where there must be one.

    Raises:
        MissingArtifact: If nothing is live.
    """
    release = current_release(store)
    if release is None:
        raise MissingArtifact(f"{store.storage.url(LOG)}: no release is published yet; make one with: sidflow run.")
    return release


def previous_release(store: Store, as_of: datetime) -> Release | None:
    """The release with the greatest effective `as_of` strictly below this one, of those not withdrawn or collected."""
    entry = previous_entry(log_entries(store), as_of)
    return None if entry is None else read_release(store, entry.artifact)


def find_release(store: Store, name: str) -> Release:
    """The release whose id starts with `name`, or that carries the tag `name`.

    Raises:
        MissingArtifact: If none or several do, or it was collected.
    """
    return read_release(store, find_entry(log_entries(store), name).artifact)


def release_artifact(store: Store, name: str) -> Artifact:
    """The handle of the release with this id.

    Raises:
        MissingArtifact: If the log does not name it.
    """
    for entry in reversed(log_entries(store)):
        if entry.release == name:
            return entry.artifact
    raise MissingArtifact(
        f"release {name}: the log of {store.storage.url(LOG)} does not name it; see sidflow artifacts."
    )


def announce(store: Store, release: Release, artifact: Artifact, promote: bool, tags: tuple[str, ...] = ()) -> LogEntry:
    """Append a release to the log, once; older than the current one it is historical unless promoted.

    A release that was rolled back from is in the log already, so an identical run does not bring it back; `promote`
    does, unless it was withdrawn.

    Of two racing writers the loser reads the log again and decides again.
    """
    while True:
        entries = log_entries(store)
        known = standing(entries).get(release.id)
        live = current_entry(entries)
        is_current = live is not None and live.release == release.id
        if known and (is_current or not promote or release.id in withdrawn(entries)):
            return known
        is_older = live is not None and release.as_of < live.as_of
        action: Action = "historical" if is_older and not promote else "publish"
        if entry := append(store, entries, action, release, artifact, tags):
            return entry
