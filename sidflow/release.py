"""Releases: which artifacts are live, which were, and in which order."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from sidflow.artifacts import Artifact, Facts, Store
from sidflow.errors import MissingArtifact

LOG = "releases/log"
REPORTS = "reports"
Action = Literal["publish", "historical", "withdraw", "rollback", "collect"]
PUBLISHING = ("publish", "historical")


class Release(BaseModel):
    """One immutable record that pins every artifact of a run, with its evaluation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    as_of: datetime
    previous: str | None
    artifacts: dict[str, Artifact]
    decision: str
    metrics: Facts

    def artifact(self, kind: str) -> Artifact:
        """The release's artifact of one kind.

        Raises:
            MissingArtifact: If there is no such kind.
        """
        try:
            return self.artifacts[kind]
        except KeyError:
            known = ", ".join(self.artifacts)
            raise MissingArtifact(f"release {self.id}: has no artifact '{kind}'; allowed: {known}.") from None


@dataclass(frozen=True)
class LogEntry:
    """One line of the release log; `n` orders them."""

    n: int
    action: Action
    release: str
    artifact: Artifact
    as_of: datetime
    at: datetime
    tags: tuple[str, ...] = ()


def release_id(recipe: str) -> str:
    """A short name for a release: the first 12 hex digits of its recipe's sha256."""
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def report_path(release: str) -> str:
    """Where a release's page is, relative to the store's root."""
    return f"{REPORTS}/{release}.html"


def log_entries(store: Store) -> list[LogEntry]:
    """The release log, oldest first."""
    return list(_entries(store))


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


def previous_entry(entries: list[LogEntry], as_of: datetime) -> LogEntry | None:
    """As `previous_release`, of a log that was read already."""
    gone = withdrawn(entries)
    earlier = [each for each in standing(entries).values() if each.as_of < as_of and each.release not in gone]
    return max(earlier, key=lambda each: (each.as_of, each.n), default=None)


def standing(entries: list[LogEntry]) -> dict[str, LogEntry]:
    """The newest entry that published each release, without releases that were collected since; oldest first."""
    found: dict[str, LogEntry] = {}
    for each in entries:
        if each.action == "collect":
            found.pop(each.release, None)
        elif each.action in PUBLISHING:
            found[each.release] = each
    return found


def withdrawn(entries: list[LogEntry]) -> frozenset[str]:
    """Ids of the releases that were withdrawn: never live again, never `previous`."""
    return frozenset(each.release for each in entries if each.action == "withdraw")


def current_entry(entries: list[LogEntry]) -> LogEntry | None:
    """The newest entry that published a release or rolled back to it, if that was not withdrawn or collected since."""
    gone: set[str] = set()
    for entry in reversed(entries):
        if entry.action in ("withdraw", "collect"):
            gone.add(entry.release)
        elif entry.action in ("publish", "rollback") and entry.release not in gone:
            return entry
    return None


def why_not_live(entries: list[LogEntry], release: str) -> str | None:
    """Why a published release is not live, and how to make it so; None if it is."""
    live = current_entry(entries)
    if live is not None and live.release == release:
        return None
    now = f"{live.release} is" if live is not None else "nothing is"
    if release in withdrawn(entries):
        return f"Release {release} was withdrawn: {now} live. New data or settings make a new release."
    if live is not None and live.action == "rollback":
        return (
            f"Release {release} is not live: on {live.at:%Y-%m-%d %H:%M} UTC there was a rollback to {live.release}, "
            f"which stays live until there is new data. To make this one live: sidflow rollback {release}."
        )
    return f"Release {release} is not live: {now}. To make it live: sidflow rollback {release}."


def entry_before(entries: list[LogEntry]) -> LogEntry | None:
    """What was live before the current release was published: where a rollback goes.

    A release that was rolled back from is never gone back to by this, however often it is asked.
    """
    live = current_entry(entries)
    if live is None:
        return None
    published = max(each.n for each in entries if each.release == live.release and each.action in PUBLISHING)
    others = [each for each in entries if each.release != live.release]
    return current_entry([each for each in others if each.n < published or each.action in ("withdraw", "collect")])


def find_release(store: Store, name: str) -> Release:
    """The release whose id starts with `name`, or that carries the tag `name`.

    Raises:
        MissingArtifact: If none or several do, or it was collected.
    """
    return read_release(store, find_entry(log_entries(store), name).artifact)


def find_entry(entries: list[LogEntry], name: str) -> LogEntry:
    """As `find_release`, of a log that was read already: the entry that published it."""
    there = standing(entries)
    chosen = [each for each in there.values() if each.release.startswith(name) or name in each.tags]
    if len(chosen) == 1:
        return chosen[0]
    collected = {each.release for each in entries if each.action == "collect"} - set(there)
    gone = [each for each in sorted(collected) if not chosen and each.startswith(name)]
    why = f"{gone[0]} was collected by gc" if gone else f"{len(chosen)} releases match"
    raise MissingArtifact(f"release '{name}': {why}; there are: {', '.join(there) or 'none'}.")


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


def read_release(store: Store, artifact: Artifact) -> Release:
    """The record behind a release's handle."""
    return Release.model_validate_json(store.files(artifact)["release.json"].read_bytes())


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


def append(
    store: Store,
    entries: list[LogEntry],
    action: Action,
    release: Release,
    artifact: Artifact,
    tags: tuple[str, ...] = (),
) -> LogEntry | None:
    """Write the entry that follows `entries`, or None if another writer was first."""
    return _write(store, entries, LogEntry(0, action, release.id, artifact, release.as_of, datetime.now(UTC), tags))


def append_again(store: Store, entries: list[LogEntry], action: Action, known: LogEntry) -> LogEntry | None:
    """As `append`, for a release that the log names already; its record is not read."""
    return _write(store, entries, replace(known, action=action, at=datetime.now(UTC), tags=()))


def _write(store: Store, entries: list[LogEntry], entry: LogEntry) -> LogEntry | None:
    entry = replace(entry, n=entries[-1].n + 1 if entries else 1)
    line: dict[str, Any] = {
        "n": entry.n,
        "action": entry.action,
        "release": entry.release,
        "fingerprint": entry.artifact.fingerprint,
        "path": entry.artifact.path,
        "as_of": entry.as_of.isoformat(),
        "at": entry.at.isoformat(),
        "tags": list(entry.tags),
    }
    return entry if store.storage.create(f"{LOG}/{entry.n:08d}.json", json.dumps(line, indent=1).encode()) else None


def _entries(store: Store) -> Iterator[LogEntry]:
    for name in store.storage.children(LOG):
        if name.startswith(".") or not name.endswith(".json"):
            continue
        line = json.loads(store.storage.read(f"{LOG}/{name}") or b"{}")
        yield LogEntry(
            n=line["n"],
            action=line["action"],
            release=line["release"],
            artifact=Artifact(kind="release", fingerprint=line["fingerprint"], path=line["path"]),
            as_of=datetime.fromisoformat(line["as_of"]),
            at=datetime.fromisoformat(line["at"]),
            tags=tuple(line["tags"]),
        )
