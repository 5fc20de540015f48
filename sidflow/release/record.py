"""What a release is: one record that pins every artifact of a run."""

import hashlib
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from sidflow.artifacts import Artifact, Facts, Store
from sidflow.errors import MissingArtifact

REPORTS = "reports"


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


def release_id(recipe: str) -> str:
    """A short name for a release: the first 12 hex digits of its recipe's sha256."""
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def report_path(release: str) -> str:
    """Where a release's page is, relative to the store's root."""
    return f"{REPORTS}/{release}.html"


def read_release(store: Store, artifact: Artifact) -> Release:
    """The record behind a release's handle."""
    return Release.model_validate_json(store.files(artifact)["release.json"].read_bytes())
