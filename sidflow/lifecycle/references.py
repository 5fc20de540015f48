"""What must not be collected, and why: releases, what they need, and what is in use."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from sidflow.artifacts import Artifact, Manifest
from sidflow.lifecycle.inventory import Stored
from sidflow.release import (
    LogEntry,
    current_entry,
    entry_before,
    previous_entry,
    standing,
    withdrawn,
)

FITTED_ON = {"quantizer": ("embeddings", "pairs"), "pairs": ("histories",)}
"""What a later run reads of the inputs of an artifact that a release pins: drift is measured against the data that the
quantiser in use was fitted on, however many releases ago that was."""


def kept_releases(
    entries: list[LogEntry], stored: Mapping[str, Stored], keep: int, used_since: datetime
) -> dict[str, str]:
    """The releases that stay, and why.

    Args:
        entries: The release log.
        stored: The inventory.
        keep: How many of the newest stay.
        used_since: What was published or used at this time or later stays.
    """
    there, gone = standing(entries), withdrawn(entries)
    newest = sorted(there.values(), key=lambda each: each.n, reverse=True)[:keep]
    tags = {each.release: each.tags for each in entries if each.tags}
    reasons: dict[str, str] = {}
    for name, entry in there.items():
        folder = entry.artifact.path.removesuffix("/data")
        if entry.at >= used_since or (folder in stored and stored[folder].used >= used_since):
            reasons[name] = "published or used within the grace period"
    reasons |= {each.release: f"one of the newest {keep}" for each in newest}
    reasons |= {name: f"tagged {', '.join(tags[name])}" for name in there if name in tags}
    live = current_entry(entries)
    if live is None:
        return reasons
    following = max((each.as_of for each in there.values() if each.release not in gone), default=live.as_of)
    protected: tuple[tuple[LogEntry | None, str], ...] = (
        (previous_entry(entries, following + timedelta(microseconds=1)), "what the next run builds on"),
        (previous_entry(entries, live.as_of), "the one before the current one in time"),
        (entry_before(entries), "what a rollback goes back to"),
        (live, "current"),
    )
    reasons |= {each.release: why for each, why in protected if each is not None}
    return reasons


def needed_attempts(
    entries: list[LogEntry], kept: Mapping[str, str], stored: Mapping[str, Stored], used_since: datetime
) -> dict[str, str]:
    """The attempts that stay, by folder, and why: needed by a release that stays, in use, or an input of those."""
    reasons: dict[str, str] = {}
    for name, entry in standing(entries).items():
        if name in kept:
            for folder, why in _of_release(entry, stored):
                reasons.setdefault(folder, f"{why} of release {name}")
    for folder, each in stored.items():
        if each.used >= used_since and folder not in reasons:
            reasons[folder] = "written or used within the grace period"
            for artifact in each.manifest.inputs.values() if each.manifest else ():
                reasons.setdefault(_folder(artifact), f"input of {each}")
    reasons |= {folder: why for folder, why in _sources_of(reasons, stored).items() if folder not in reasons}
    named = named_parts(stored, [folder for folder in reasons if folder in stored])
    for folder, each in stored.items():
        if each.manifest is None and folder not in reasons and each.files.keys() <= named.keys():
            reasons[folder] = f"holds parts that {named[next(iter(each.files))]} names"
    return {folder: why for folder, why in reasons.items() if folder in stored}


def named_parts(stored: Mapping[str, Stored], folders: Iterable[str]) -> dict[str, str]:
    """Paths of all parts that these attempts name, wherever they lie, and by which attempt."""
    named: dict[str, str] = {}
    for folder in folders:
        manifest = stored[folder].manifest
        named |= {part.path: str(stored[folder]) for part in manifest.parts} if manifest else {}
    return named


def _of_release(entry: LogEntry, stored: Mapping[str, Stored]) -> Iterator[tuple[str, str]]:
    """The folders of a release's own record, of what it pins, and of what later runs read beyond that."""
    yield _folder(entry.artifact), "the record"
    for kind, artifact in pinned_artifacts(entry, stored).items():
        yield _folder(artifact), f"the {kind}"
        for folder in _read_later(artifact, stored):
            yield folder, f"data behind the {kind}"


def pinned_artifacts(entry: LogEntry, stored: Mapping[str, Stored]) -> dict[str, Artifact]:
    """What a release pins, by kind; its manifest says the same as its record, and is smaller."""
    record = stored.get(_folder(entry.artifact))
    return record.manifest.inputs if record is not None and record.manifest is not None else {}


def _read_later(artifact: Artifact, stored: Mapping[str, Stored]) -> Iterator[str]:
    folder = _folder(artifact)
    manifest = stored[folder].manifest if folder in stored else None
    for role, each in manifest.inputs.items() if manifest else ():
        if role in FITTED_ON.get(artifact.kind, ()) or each.kind == "segment":
            yield _folder(each)
            yield from _read_later(each, stored)


def _sources_of(reasons: Mapping[str, str], stored: Mapping[str, Stored]) -> dict[str, str]:
    """Cleaned source files that count, of recipes that stay: without them the next run would read the files anew."""
    kept = [each.manifest for folder, each in stored.items() if folder in reasons and each.manifest]
    segments = {each.fingerprint for manifest in kept for each in manifest.inputs.values() if each.kind == "segment"}
    content = {_content(each) for each in kept} - {None}
    published = {folder: each for folder, each in stored.items() if each.published and each.manifest}
    found = {}
    for folder, each in published.items():
        if each.kind == "segment" and folder.split("/")[2] in segments:
            found[folder] = "the source file of interactions that stay"
        elif each.kind == "items" and _content(each.manifest) in content:
            found[folder] = "the item files of a catalogue that stays"
    return found


def _content(manifest: Manifest | None) -> str | None:
    """What ties item files to a catalogue."""
    if manifest is None:
        return None
    found = manifest.metrics.get("content") if manifest.kind == "items" else manifest.identity.get("content")
    return None if found is None else str(found)


def _folder(artifact: Artifact) -> str:
    return artifact.path.removesuffix("/data")
