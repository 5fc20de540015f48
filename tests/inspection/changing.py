"""Releases with some artifacts exchanged for ones made by hand."""

from typing import Any

from sidflow.artifacts import Artifact
from sidflow.release import Release
from sidflow.semantic_ids.table import SidTable, write_semantic_ids
from tests.inspection.conftest import Two


def write_artifact(two: Two, kind: str, files: dict[str, Any], identity: dict[str, Any] | None = None) -> Artifact:
    """The second release's artifact of a kind with other files (by name: bytes, or a table of SIDs) and settings."""
    old = two.store.manifest(two.second.artifact(kind))
    attempt = two.store.begin(kind, old.fingerprint)
    for name, content in files.items():
        if isinstance(content, SidTable):
            write_semantic_ids(content, attempt.data)
        else:
            (attempt.data / name).write_bytes(content)
    parts = attempt.parts() if files else old.parts
    changed = {"attempt": attempt.name, "parts": parts, "identity": {**old.identity, **(identity or {})}}
    made = old.model_copy(update=changed)
    two.store.record(made)
    return two.store.artifact(made)


def with_artifacts(two: Two, **artifacts: Artifact) -> Release:
    """The second release with some artifacts exchanged, built on the second."""
    changed = {"id": "changed", "previous": two.second.id, "artifacts": {**two.second.artifacts, **artifacts}}
    return two.second.model_copy(update=changed)
