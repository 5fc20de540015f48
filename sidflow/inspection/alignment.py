"""Whether a code means the same in two releases."""

from dataclasses import dataclass

from sidflow.artifacts import Store
from sidflow.errors import ArtifactError
from sidflow.release import Release, log_entries, read_release
from sidflow.semantic_ids.policy import read_decision

REFITS = ("full", "re_encode")


@dataclass(frozen=True)
class Alignment:
    """Whether codes of two releases can be compared (None: it cannot be told), and why, in words."""

    aligned: bool | None
    reason: str


def compare_alignment(store: Store, before: Release, after: Release) -> Alignment:
    """Codes keep their meaning along the line of releases, except where a refit began from scratch.

    A warm refit is aligned to the codes before it; a full one without a warm start, and a re-encoding, are not.
    """
    if before.artifacts.get("quantizer") == after.artifacts.get("quantizer"):
        return Alignment(True, "both use the same quantiser")
    try:
        if _codes(store, before) != _codes(store, after):
            return Alignment(False, "the two have other numbers of levels or codes")
        line = _line(store, before, after) or _line(store, after, before)
        if line is None:
            return Alignment(None, "neither was built on the other")
        for release in line:
            decision = read_decision(store.files(release.artifact("decision")))
            if decision.action in REFITS and not decision.warm_start:
                return Alignment(False, f"release {release.id} was fitted from scratch ({decision.action})")
    except ArtifactError:
        return Alignment(None, "a release between the two was collected")
    return Alignment(True, "every refit between the two was aligned to the codes before it")


def _line(store: Store, first: Release, last: Release) -> list[Release] | None:
    """The releases after `first` up to `last`, newest first; None if `last` was not built on `first`."""
    artifacts = {entry.release: entry.artifact for entry in log_entries(store)}
    line, each = [], last
    while each.id != first.id:
        line.append(each)
        if each.previous is None or each.previous not in artifacts:
            return None
        each = read_release(store, artifacts[each.previous])
    return line


def _codes(store: Store, release: Release) -> list[int] | None:
    """Codes per level of a release's quantiser."""
    sizes: list[int] = store.manifest(release.artifact("quantizer")).identity["codebooks"]
    return sizes
