"""The release log with what each release was worth, as far as the store still holds it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sidflow.artifacts import Store
from sidflow.errors import ArtifactError, MissingArtifact
from sidflow.release import LogEntry, Release, current_entry, log_entries, read_release

Missing = Literal["collected", "corrupt"]


@dataclass(frozen=True)
class Worth:
    """What a release holds and how it ranks.

    Attributes:
        decision: keep, assign_new, full or re_encode.
        previous: Id of the release it was built on; None for a first one.
        recall, ndcg: Test Recall@10 and NDCG@10.
        recall_gain, ndcg_gain: Less those of the previous release; None if there is none, or it was collected.
        churn, churn_traffic: Share of known items, and of interactions with them, whose SID changed; None without a
            previous release.
        bytes: Of all its parts; releases share parts, so sizes do not add up to the store's.
    """

    decision: str
    previous: str | None
    recall: float
    ndcg: float
    recall_gain: float | None
    ndcg_gain: float | None
    churn: float | None
    churn_traffic: float | None
    bytes: int


@dataclass(frozen=True)
class LogLine:
    """One entry of the release log.

    Attributes:
        n: Its number; the order of the log.
        release: The release's id.
        as_of: The release's logical time, exclusive.
        at: When the entry was written.
        action: publish, historical, withdraw, rollback, collect, or whatever else the log says.
        current: Whether this entry makes the release the live one.
        withdrawn: Whether a later entry withdraws the release.
        tags: The entry's.
        worth: None if the release cannot be read.
        missing: Why it cannot: it was `collected` by gc, or is `corrupt`; None if it can.
    """

    n: int
    release: str
    as_of: datetime
    at: datetime
    action: str
    current: bool
    withdrawn: bool
    tags: tuple[str, ...]
    worth: Worth | None
    missing: Missing | None


def list_releases(store: Store) -> list[LogLine]:
    """The release log, oldest first."""
    entries = log_entries(store)
    live = current_entry(entries)
    worths = {path: _worth(store, entries, path) for path in {each.artifact.path for each in entries}}
    return [
        LogLine(
            n=entry.n,
            release=entry.release,
            as_of=entry.as_of,
            at=entry.at,
            action=entry.action,
            current=live is not None and entry.n == live.n,
            withdrawn=any(
                each.action == "withdraw" and each.release == entry.release and each.n > entry.n for each in entries
            ),
            tags=entry.tags,
            worth=worths[entry.artifact.path][0],
            missing=worths[entry.artifact.path][1],
        )
        for entry in entries
    ]


def _worth(store: Store, entries: Sequence[LogEntry], path: str) -> tuple[Worth | None, Missing | None]:
    artifacts = {each.artifact.path: each.artifact for each in entries}
    try:
        release = read_release(store, artifacts[path])
    except MissingArtifact:
        return None, "collected"
    except ArtifactError:
        return None, "corrupt"
    before = _previous(store, entries, release)
    churn, churn_traffic = _churn(store, release)
    test = release.metrics["test"]
    gains = {name: test[name] - before.metrics["test"][name] for name in ("recall@10", "ndcg@10")} if before else {}
    return Worth(
        decision=release.decision,
        previous=release.previous,
        recall=test["recall@10"],
        ndcg=test["ndcg@10"],
        recall_gain=gains.get("recall@10"),
        ndcg_gain=gains.get("ndcg@10"),
        churn=churn,
        churn_traffic=churn_traffic,
        bytes=_bytes(store, release),
    ), None


def _previous(store: Store, entries: Sequence[LogEntry], release: Release) -> Release | None:
    with suppress(ArtifactError):
        for entry in entries:
            if entry.release == release.previous:
                return read_release(store, entry.artifact)
    return None


def _churn(store: Store, release: Release) -> tuple[float | None, float | None]:
    with suppress(ArtifactError):
        facts = store.manifest(release.artifact("semantic_ids")).metrics
        if facts["common_items"]:
            return facts["churn"], facts.get("churn_traffic")
    return None, None


def _bytes(store: Store, release: Release) -> int:
    sizes: dict[str, int] = {}
    for artifact in release.artifacts.values():
        with suppress(ArtifactError):
            sizes.update({part.path: part.bytes for part in store.manifest(artifact).parts})
    return sum(sizes.values())
