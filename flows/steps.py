"""What a run of the flow has done so far, and the summary that a person or a program gets."""

import json
from dataclasses import dataclass, field
from typing import Any, ParamSpec

from prefect import Task
from pydantic import BaseModel

from sidflow.artifacts import Artifact, Store
from sidflow.artifacts.kinds import KINDS
from sidflow.config import Config
from sidflow.quantizer.checks import check_codebooks, check_room
from sidflow.release import Release, previous_release, read_release, release_artifact
from tasks.ingest_interactions import effective_as_of
from tasks.stage import unwrap

P = ParamSpec("P")


class StepRecord(BaseModel):
    """One stage of a run."""

    kind: str
    fingerprint: str
    path: str
    rows: int
    seconds: float
    cached: bool


class Summary(BaseModel):
    """The outcome of a run; what `sidflow run --json` prints."""

    release: str | None
    artifacts: list[StepRecord]
    metrics: dict[str, Any] | None
    decision: dict[str, Any] | None


class Reached(Exception):
    """The last stage that was asked for is done; no error."""


@dataclass
class Steps:
    """Runs stages, collects their artifacts in flow order, and ends the run after `until`.

    `direct` calls the tasks' functions without Prefect: no server, no task runs.
    """

    store: Store
    until: str | None = None
    direct: bool = False
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    records: list[StepRecord] = field(default_factory=list)

    def run(self, stage: Task[P, Artifact], *args: P.args, **kwargs: P.kwargs) -> Artifact:
        """Run a stage and note its artifact; plain code needs it out of the State of a hit.

        Raises:
            Reached: If this was the last stage to run.
        """
        returned = stage.fn(*args, **kwargs) if self.direct else stage(*args, **kwargs)
        artifact, cached = unwrap(returned)
        manifest = self.store.manifest(artifact)
        self.artifacts[artifact.kind] = artifact
        self.records.append(
            StepRecord(
                kind=artifact.kind,
                fingerprint=artifact.fingerprint,
                path=self.store.location(artifact),
                rows=manifest.rows,
                seconds=0.0 if cached else manifest.seconds,
                cached=cached,
            )
        )
        if artifact.kind == self.until:
            raise Reached
        return artifact

    def previous(self, interactions: Artifact) -> Release | None:
        """The release before this run's effective time; resolved once, and marked as in use."""
        release = previous_release(self.store, effective_as_of(self.store, interactions))
        if release is not None:
            self.store.note_use(release_artifact(self.store, release.id))
        return release

    def check_sizes(self, catalogue: Artifact, config: Config, previous: Release | None) -> None:
        """Refuse codebooks that cannot fit the catalogue before anything else is spent.

        Items must have room wherever a refit may happen, for no decision makes any; codes must find items only where a
        fit is certain, since a catalogue that has shrunk may well keep its SIDs.

        Raises:
            DataContractError: If there are more codes than items, or more items than SIDs where each needs its own.
        """
        reached = self.until is None or KINDS.index(self.until) >= KINDS.index("quantizer")
        stays = previous is not None and config.refresh.force in ("keep", "assign_new")
        if not reached or stays:
            return
        items, codebooks = self.store.manifest(catalogue).rows, config.quantizer.codebooks
        if previous is None or config.refresh.force == "full" or self._other_settings(config, previous):
            check_codebooks(items, codebooks)
        check_room(items, codebooks, config.semantic_ids.uniqueness)

    def _other_settings(self, config: Config, previous: Release) -> bool:
        return self.store.manifest(previous.artifact("quantizer")).identity != config.quantizer.identity()

    def summary(self) -> Summary:
        """What has been done."""
        release = self.artifacts.get("release")
        return Summary(
            release=read_release(self.store, release).id if release else None,
            artifacts=self.records,
            metrics=self._facts("metrics", ("test", "baselines")),
            decision=self._decision(),
        )

    def _facts(self, kind: str, names: tuple[str, ...]) -> dict[str, Any] | None:
        if kind not in self.artifacts:
            return None
        facts = self.store.manifest(self.artifacts[kind]).metrics
        return {name: facts[name] for name in names}

    def _decision(self) -> dict[str, Any] | None:
        if "decision" not in self.artifacts:
            return None
        content: dict[str, Any] = json.loads(self.store.files(self.artifacts["decision"])["decision.json"].read_text())
        return content
