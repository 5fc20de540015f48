"""The release log: append-only, one file an entry, each created exclusively."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sidflow.artifacts import Artifact, Store
from sidflow.release.record import Release

LOG = "releases/log"
Action = Literal["publish", "historical", "withdraw", "rollback", "collect"]


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


def log_entries(store: Store) -> list[LogEntry]:
    """The release log, oldest first."""
    return list(_entries(store))


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
