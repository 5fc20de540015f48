"""Making an older release live again."""

from dataclasses import dataclass

from sidflow.artifacts import Store
from sidflow.errors import ArtifactError, MissingArtifact, SidflowError
from sidflow.recommender import load_recommender
from sidflow.release import (
    LogEntry,
    append_again,
    current_entry,
    entry_before,
    find_entry,
    log_entries,
    read_release,
    withdrawn,
)


@dataclass(frozen=True)
class RolledBack:
    """What a rollback did.

    Attributes:
        live: The entry that the log has now for what is live.
        left: The release that was live before; None if nothing was.
        withdrawn: Whether that one was withdrawn.
    """

    live: LogEntry
    left: str | None
    withdrawn: bool


def roll_back(store: Store, name: str | None = None, withdraw: bool = False) -> RolledBack:
    """Make an older release live.

    It is read, checked part by part and asked for a recommendation before the log is touched; killed at any moment,
    the log says one or the other. A withdrawal follows the rollback, so that something is always live.

    Args:
        store: Where the releases are.
        name: Id, start of an id, or tag; None: what was live before the current one.
        withdraw: Also withdraw the release that is live now: it is never live and never `previous` again. Where `name`
            is live already after a rollback, the release that was left then.

    Raises:
        MissingArtifact: If there is no such release, or nothing to go back to.
        ArtifactError: If it is live already, was withdrawn, or cannot be served.
    """
    checked: set[str] = set()
    while True:
        entries = log_entries(store)
        live = current_entry(entries)
        target = _target(store, entries, live, name)
        if live is not None and live.release == target.release:
            return _withdraw_left(store, entries, live, withdraw)
        if target.release not in checked:
            check_servable(store, target)
            checked.add(target.release)
            continue  # checking took time: decide again on what the log says now
        entry = append_again(store, entries, "rollback", target)
        if entry is not None:
            break
    if live is not None and withdraw:
        _withdraw(store, live)
    return RolledBack(entry, live.release if live else None, withdraw and live is not None)


def check_servable(store: Store, entry: LogEntry) -> None:
    """Read a release with all its parts, by checksum, and have it recommend something.

    Raises:
        ArtifactError: If a part is gone or corrupt, or parts do not fit together.
    """
    try:
        release = read_release(store, entry.artifact)
        for artifact in release.artifacts.values():
            store.files(artifact)
        recommender = load_recommender(store, release)
        recommender.recommend([recommender.item_ids[0].as_py()], 1)
    except SidflowError as error:
        raise type(error)(
            f"release {entry.release}: cannot be served, so nothing was changed. {error} "
            "Choose another release: sidflow releases."
        ) from error


def _target(store: Store, entries: list[LogEntry], live: LogEntry | None, name: str | None) -> LogEntry:
    if name is not None:
        target: LogEntry | None = find_entry(entries, name)
    else:
        target = entry_before(entries)
    if target is None:
        raise MissingArtifact(
            f"{store.storage.url('releases')}: nothing was live before the current release, so there is nothing to go "
            "back to. Name a release: sidflow rollback RELEASE; see sidflow releases."
        )
    if target.release in withdrawn(entries):
        raise ArtifactError(
            f"release {target.release}: was withdrawn, and what was withdrawn never becomes live again. "
            "Choose another release: sidflow releases."
        )
    return target


def _withdraw_left(store: Store, entries: list[LogEntry], live: LogEntry, withdraw: bool) -> RolledBack:
    """Withdraw what an earlier rollback left, if that is what is asked for."""
    left = current_entry([each for each in entries if each.n < live.n]) if live.action == "rollback" else None
    if left is None or not withdraw:
        raise ArtifactError(f"release {live.release}: is live already. Choose another one: sidflow releases.")
    _withdraw(store, left)
    return RolledBack(live, left.release, True)


def _withdraw(store: Store, entry: LogEntry) -> None:
    while True:
        entries = log_entries(store)
        if entry.release in withdrawn(entries) or append_again(store, entries, "withdraw", entry):
            return
