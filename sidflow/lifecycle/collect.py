"""Garbage collection: what a store can do without, and its removal in an order that no reader can trip over.

Order: the release log says that a release is collected, so that nobody finds it; then pointers, so that no recipe finds
an attempt; then manifests, so that no attempt is whole any more; then parts. A kill in between leaves unfinished
attempts, which the next collection removes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sidflow.artifacts import Store
from sidflow.lifecycle.inventory import Stored, cache_sizes, take_inventory, unique_bytes
from sidflow.lifecycle.references import kept_releases, named_parts, needed_attempts, pinned_artifacts
from sidflow.lifecycle.removal import delete_files, dismantle
from sidflow.release import LOG, LogEntry, append_again, log_entries, report_path, standing


@dataclass(frozen=True)
class Fate:
    """What becomes of a release or an attempt.

    Attributes:
        name: A release's id, or kind, fingerprint and attempt.
        kind: Of artifact.
        state: published, candidate, refused, unfinished; of releases current, collected and so on is in the log.
        stays: Whether it stays.
        why: The reason.
        bytes: What it holds; content that several share is counted once, in what stays if there is such.
    """

    name: str
    kind: str
    state: str
    stays: bool
    why: str
    bytes: int


@dataclass(frozen=True)
class Plan:
    """What a collection would do at one moment."""

    releases: tuple[Fate, ...]
    attempts: tuple[Fate, ...]
    caches: dict[str, int]
    going: dict[str, Stored]
    free_bytes: int
    log_length: int


@dataclass(frozen=True)
class Terms:
    """How much is kept.

    Attributes:
        keep: How many of the newest releases stay, beside the current one and those that it may need.
        grace: What was written or used so recently stays: a run may be in flight.
        condemned: Ids of releases that go although they would stay, unless one is current.
    """

    keep: int
    grace: timedelta
    condemned: frozenset[str] = frozenset()

    def used_since(self, now: datetime) -> datetime:
        """What was used at this time or later stays."""
        return now - self.grace


def plan_collection(store: Store, terms: Terms, now: datetime | None = None) -> Plan:
    """What would stay and what would go, and why. Changes nothing."""
    used_since = terms.used_since(now or datetime.now(UTC))
    entries = log_entries(store)
    stored = take_inventory(store)
    kept = _kept(entries, stored, terms, used_since)
    needed = needed_attempts(entries, kept, stored, used_since)
    parts = named_parts(stored, list(needed))
    shared = frozenset(
        facts.inode
        for folder, each in stored.items()
        for path, facts in each.files.items()
        if facts.inode is not None and (folder in needed or path in parts)
    )
    going = {folder: each for folder, each in stored.items() if folder not in needed}
    freed = (item for each in going.values() for item in each.files.items() if item[0] not in parts)
    return Plan(
        releases=tuple(_release_fate(each, kept, stored, terms) for each in standing(entries).values()),
        attempts=tuple(_fate(each, needed.get(folder), parts, shared) for folder, each in stored.items()),
        caches=cache_sizes(store),
        going=going,
        free_bytes=unique_bytes(freed, shared),
        log_length=len(entries),
    )


def collect(store: Store, terms: Terms, now: datetime | None = None) -> Plan:
    """Remove what can go; returns what was done.

    Two collections at once, or one beside a run, do no harm: before anything is removed it is looked at once more, and
    what a run has found in the cache carries a fresh mark of use. What remains is a run that finds an artifact which
    nothing has used for the whole grace period in the instant between that look and the removal: it fails, naming the
    artifact, and the next run makes it again.
    """
    moment = now or datetime.now(UTC)
    releases = plan_collection(store, terms, moment).releases
    for fate in releases:
        if not fate.stays:
            _retire(store, fate.name, terms, moment)
    plan = plan_collection(store, terms, moment)
    removed = {}
    for folder, each in plan.going.items():
        if _log_length(store) != plan.log_length:
            plan = plan_collection(store, terms, moment)  # a release came meanwhile and may need what was to go
        if folder in plan.going and _untouched(store, folder, terms.used_since(moment)):
            dismantle(store, each)
            removed[folder] = each
    delete_files(store, removed.values())
    store.storage.delete_empty("artifacts", terms.used_since(datetime.now(UTC)))
    return replace(plan, releases=releases, going=removed)


def _kept(entries: list[LogEntry], stored: Mapping[str, Stored], terms: Terms, used_since: datetime) -> dict[str, str]:
    kept = kept_releases(entries, stored, terms.keep, used_since)
    return {name: why for name, why in kept.items() if name not in terms.condemned or why == "current"}


def _retire(store: Store, name: str, terms: Terms, now: datetime) -> None:
    """Say in the log that a release is collected, unless it has come into use meanwhile."""
    while True:
        entries = log_entries(store)
        entry = standing(entries).get(name)
        if entry is None or name in _kept(entries, take_inventory(store), terms, terms.used_since(now)):
            return
        if append_again(store, entries, "collect", entry):
            store.storage.delete(report_path(name))
            return


def _log_length(store: Store) -> int:
    """Entries in the release log, without what a killed writer left there."""
    return sum(each.endswith(".json") and not each.startswith(".") for each in store.storage.children(LOG))


def _untouched(store: Store, folder: str, used_since: datetime) -> bool:
    """Whether nothing was written there lately, marks of use included."""
    return all(each.modified < used_since for each in store.storage.files(folder).values())


def _fate(each: Stored, why: str | None, parts: Mapping[str, str], shared: frozenset[int]) -> Fate:
    if why is not None:
        return Fate(str(each), each.kind, each.state, True, why, unique_bytes(iter(each.files.items())))
    users = sorted({parts[path] for path in each.files if path in parts})
    note = "no release that stays needs it" + (f"; parts stay that {', '.join(users)} names" if users else "")
    files = ((path, facts) for path, facts in each.files.items() if path not in parts)
    return Fate(str(each), each.kind, each.state, False, note, unique_bytes(files, shared))


def _release_fate(entry: LogEntry, kept: Mapping[str, str], stored: Mapping[str, Stored], terms: Terms) -> Fate:
    artifacts = [entry.artifact, *pinned_artifacts(entry, stored).values()]
    folders = [each.path.removesuffix("/data") for each in artifacts]
    files = (item for each in folders if each in stored for item in stored[each].files.items())
    otherwise = (
        "holds rows of forgotten users" if entry.release in terms.condemned else f"older than the newest {terms.keep}"
    )
    why = kept.get(entry.release, otherwise)
    return Fate(entry.release, "release", entry.action, entry.release in kept, why, unique_bytes(files))
