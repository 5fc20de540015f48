"""The one wrapper around all stages: hit, run, gate, publish."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from prefect.client.schemas import State
from prefect.states import Completed

from sidflow.artifacts import Artifact, Attempt, Facts, Manifest, Store, fingerprint
from sidflow.artifacts.attempt import column_types
from sidflow.artifacts.planning import NotMade, Pending, is_pending
from sidflow.artifacts.provenance import git_state, peak_memory_bytes, source_digest, versions
from sidflow.config import Section
from sidflow.device import device_name
from sidflow.errors import GateRefused
from sidflow.validation import judge, measure_rows, refusal, row_batches
from tasks.evidence import show_facts, show_gates
from tasks.progress import progress

log = logging.getLogger(__name__)
OnProgress = Callable[[int, int], None]
Work = Callable[[Attempt, OnProgress], Facts]


@dataclass(frozen=True)
class Stage:
    """A kind of artifact and the code that makes it.

    Bump `revision` when a change of code changes results: it enters the fingerprint.
    """

    kind: str
    revision: int
    modules: tuple[str, ...]

    def run(
        self,
        store: Store,
        section: Section,
        inputs: Mapping[str, Artifact | None],
        work: Work,
        identity: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """The artifact of this recipe: found in the store, or made, gated and published now.

        Args:
            section: The stage's settings; its identity fields enter the fingerprint, its `gate` limits do not.
            inputs: Artifacts the work reads, by role; None where there is none.
            work: Writes into the attempt's folders and returns the facts, `rows` among them.
            identity: What else determines the result.

        Raises:
            GateRefused: If a gate refuses; the candidate stays in the store.
            NotMade: In a plan (`store.plan`), if a run would make it.
            Pending: In a plan, if a run would make an input first.
        """
        chosen = {**section.identity(), **(identity or {})}
        present = {role: each for role, each in inputs.items() if each is not None}
        if unmade := [each.kind for each in present.values() if is_pending(each)]:
            raise Pending(unmade)
        name = fingerprint(self.kind, self.revision, chosen, {role: each.fingerprint for role, each in present.items()})
        recipe = _Recipe(self, name, chosen, present, _limits(section))
        found = None if self.kind in store.refresh else store.find(self.kind, name)
        if store.plan:
            return self._planned(store, recipe, found)
        manifest = found or recipe.make(store, work)
        self._gate(store, manifest, recipe.limits)
        if found is not None and store.is_published(found):
            return self._hit(store, found)
        manifest = store.publish(manifest, replace=self.kind in store.refresh)
        log.info("%s: %s rows in %.1f s", store.artifact(manifest), f"{manifest.rows:,}", manifest.seconds)
        return store.artifact(manifest)

    def _gate(self, store: Store, manifest: Manifest, limits: Mapping[str, float]) -> None:
        """Judge stored facts by the limits of now: a loosened limit redoes nothing, a tightened one holds."""
        gates = self._verdict(manifest, limits)
        show_gates(self.kind, gates)
        show_facts(self.kind, manifest.metrics)
        failed = [each for each in gates if not each["success"]]
        if failed or store.storage.read(f"{manifest.folder}/verdict.json"):
            verdict = json.dumps({"limits": dict(limits), "gates": list(gates)}, indent=1)
            store.storage.write(f"{manifest.folder}/verdict.json", verdict.encode())
        if failed:
            raise GateRefused(refusal(self.kind, manifest.fingerprint, failed))

    def _verdict(self, manifest: Manifest, limits: Mapping[str, float]) -> tuple[dict[str, Any], ...]:
        if manifest.limits == limits:
            return manifest.gates
        return tuple(each.to_json() for each in judge(self.kind, manifest.metrics, limits))

    def _planned(self, store: Store, recipe: "_Recipe", found: Manifest | None) -> Artifact:
        """What a run would find: the artifact, a refusal, or nothing."""
        if found is None:
            raise NotMade(self.kind, self.revision, recipe.identity, recipe.inputs)
        failed = [each for each in self._verdict(found, recipe.limits) if not each["success"]]
        if failed:
            raise GateRefused(refusal(self.kind, found.fingerprint, failed))
        return cached(store.artifact(found))

    def _hit(self, store: Store, manifest: Manifest) -> Artifact:
        store.note_use(store.artifact(manifest))
        if manifest.source_digest != source_digest(self.modules):
            log.warning(
                "%s was made by other code than today's. "
                "If results change, bump the revision of stage '%s' or use --refresh %s.",
                store.artifact(manifest),
                self.kind,
                self.kind,
            )
        return cached(store.artifact(manifest))


@dataclass(frozen=True)
class _Recipe:
    """All that is known before the work begins."""

    stage: Stage
    fingerprint: str
    identity: Mapping[str, Any]
    inputs: dict[str, Artifact]
    limits: dict[str, float] = field(default_factory=dict)

    def make(self, store: Store, work: Work) -> Manifest:
        """Do the work and record it as a candidate, its facts measured and judged."""
        kind = self.stage.kind
        attempt = store.begin(kind, self.fingerprint)
        began = time.perf_counter()
        with progress(kind) as on_progress, attempt.writing():
            facts = work(attempt, on_progress)
            parts = attempt.parts()
        commit, dirty = git_state()
        manifest = Manifest(
            kind=kind,
            fingerprint=self.fingerprint,
            attempt=attempt.name,
            revision=self.stage.revision,
            identity=dict(self.identity),
            inputs=self.inputs,
            parts=parts,
            rows=facts["rows"],
            bytes=sum(part.bytes for part in parts),
            columns={},
            metrics=facts,
            source_digest=source_digest(self.stage.modules),
            git_commit=commit,
            git_dirty=dirty,
            versions=versions(),
            device=device_name(),
            created=datetime.now(UTC).isoformat(),
            seconds=round(time.perf_counter() - began, 3),
            peak_memory_bytes=peak_memory_bytes(),
        )
        manifest = self._judged(store, manifest)
        store.record(manifest)
        return manifest

    def _judged(self, store: Store, manifest: Manifest) -> Manifest:
        kind = self.stage.kind
        files = store.local_files(manifest)
        checks = measure_rows(kind, row_batches(kind, files))
        if checks.failing_rows:
            evidence = "\n".join(json.dumps(each, default=str) for each in checks.failing_rows)
            store.storage.write(f"{manifest.folder}/failing_rows.jsonl", evidence.encode())
        metrics = {**manifest.metrics, "row_checks": checks.to_json()}
        gates = tuple(each.to_json() for each in judge(kind, metrics, self.limits))
        return manifest.model_copy(
            update={"metrics": metrics, "gates": gates, "limits": self.limits, "columns": column_types(files)}
        )


def cached(artifact: Artifact) -> Artifact:
    """What a task returns for an artifact that was there: Prefect shows it as Cached and hands on its data."""
    return cast(Artifact, Completed(name="Cached", message=str(artifact), data=artifact))


def unwrap(returned: Artifact | State[Artifact]) -> tuple[Artifact, bool]:
    """A task's artifact, and whether it was cached: plain code meets the State of a hit, tasks do not."""
    if isinstance(returned, State):
        return returned.result(), True
    return returned, False


def _limits(section: Section) -> dict[str, float]:
    gate = getattr(section, "gate", None)
    return {} if gate is None else {name: float(value) for name, value in gate.model_dump().items()}
