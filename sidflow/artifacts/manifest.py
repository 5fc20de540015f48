"""What is known of an artifact: a handle that travels, and a manifest that stays beside the data."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Facts = dict[str, Any]
"""A stage's numbers, plain JSON: row counts, drops by reason, losses ..."""


class Artifact(BaseModel):
    """A handle of a few hundred bytes: what tasks give one another instead of data.

    `path` is the data folder of one attempt, relative to the store's root, so that a store can be moved.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    fingerprint: str
    path: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.fingerprint[:12]}"


class Part(BaseModel):
    """One immutable file, named by its content; it may lie in the folder of an older artifact."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    path: str
    sha256: str
    bytes: int


class Manifest(BaseModel):
    """Everything about one attempt; written last, so that its presence means that the attempt is complete."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    fingerprint: str
    attempt: str
    revision: int
    identity: dict[str, Any]
    inputs: dict[str, Artifact]
    parts: tuple[Part, ...]
    rows: int
    bytes: int
    columns: dict[str, list[str]]
    metrics: Facts
    gates: tuple[dict[str, Any], ...] = ()
    limits: dict[str, float] = {}
    source_digest: str
    git_commit: str | None
    git_dirty: bool | None
    versions: dict[str, str]
    device: str
    created: str
    seconds: float
    peak_memory_bytes: int

    @property
    def folder(self) -> str:
        """The attempt's folder, relative to the store's root."""
        return f"artifacts/{self.kind}/{self.fingerprint}/attempts/{self.attempt}"

    @property
    def refused(self) -> bool:
        """Whether a gate said no when this attempt was made."""
        return any(not gate["success"] for gate in self.gates)
