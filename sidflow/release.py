"""Releases: which artifacts are live, which were, and in which order."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from sidflow.artifacts import Artifact, Facts, Store
from sidflow.errors import MissingArtifact

LOG = "releases/log"
Action = Literal["publish", "historical", "withdraw", "rollback"]


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


def log_entries(store: Store) -> list[LogEntry]:
    """The release log, oldest first."""
    return list(_entries(store))


def current_release(store: Store) -> Release | None:
    """What is live: the newest entry that was published or rolled back to, and not withdrawn since."""
    entry = _current(log_entries(store))
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
    """The release with the greatest effective `as_of` strictly below this one, withdrawn ones left out."""
    entries = log_entries(store)
    withdrawn = {each.release for each in entries if each.action == "withdraw"}
    earlier = [each for each in entries if each.as_of < as_of and each.release not in withdrawn]
    newest = max(earlier, key=lambda each: (each.as_of, each.n), default=None)
    return None if newest is None else read_release(store, newest.artifact)


def find_release(store: Store, name: str) -> Release:
    """The release whose id starts with `name`, or that carries the tag `name`.

    Raises:
        MissingArtifact: If none or several do.
    """
    entries = {each.release: each for each in log_entries(store) if each.action in ("publish", "historical")}
    chosen = [each for each in entries.values() if each.release.startswith(name) or name in each.tags]
    if len(chosen) != 1:
        known = ", ".join(entries) or "none"
        raise MissingArtifact(f"release '{name}': {len(chosen)} releases match; there are: {known}.")
    return read_release(store, chosen[0].artifact)


def release_artifact(store: Store, name: str) -> Artifact:
    """The handle of the release with this id.

    Raises:
        MissingArtifact: If the log does not name it.
    """
    for entry in log_entries(store):
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

    Of two racing writers the loser reads the log again and decides again.
    """
    while True:
        entries = log_entries(store)
        known = [each for each in entries if each.release == release.id and each.action != "withdraw"]
        is_current = (live := _current(entries)) is not None and live.release == release.id
        if known and (is_current or not promote):
            return known[-1]
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
    n = entries[-1].n + 1 if entries else 1
    entry = LogEntry(n, action, release.id, artifact, release.as_of, datetime.now(UTC), tags)
    line: dict[str, Any] = {
        "n": n,
        "action": action,
        "release": release.id,
        "fingerprint": artifact.fingerprint,
        "path": artifact.path,
        "as_of": release.as_of.isoformat(),
        "at": entry.at.isoformat(),
        "tags": list(tags),
    }
    return entry if store.storage.create(f"{LOG}/{n:08d}.json", json.dumps(line, indent=1).encode()) else None


def _current(entries: list[LogEntry]) -> LogEntry | None:
    for position in range(len(entries) - 1, -1, -1):
        entry = entries[position]
        later = entries[position + 1 :]
        if entry.action in ("publish", "rollback") and not any(
            each.action == "withdraw" and each.release == entry.release for each in later
        ):
            return entry
    return None


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
