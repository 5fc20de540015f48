"""Task: pin every artifact of the run, judge the whole, and let it become live."""

import logging
from collections.abc import Mapping
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.artifacts.fingerprint import canonical_json
from sidflow.config import ReleaseConfig
from sidflow.interactions.tombstones import forgotten_since
from sidflow.lifecycle.traces import Tracer
from sidflow.release import Release, announce, log_entries, release_id, why_not_live
from sidflow.semantic_ids.policy import read_decision
from tasks.stage import OnProgress, Stage, unwrap

log = logging.getLogger(__name__)
RELEASE = Stage("release", 1, ("sidflow.release",))


@task(name="publish release", task_run_name="publish-release", cache_policy=NO_CACHE)
def publish_release(
    store: Store, config: ReleaseConfig, artifacts: Mapping[str, Artifact], previous: Release | None
) -> Artifact:
    """An immutable release; the log says whether it is current."""
    pinned = {kind: artifact for kind, artifact in artifacts.items() if kind != "release"}
    identity = {"attempts": {kind: artifact.path for kind, artifact in pinned.items()}}
    interactions, metrics = (store.manifest(pinned[kind]) for kind in ("interactions", "metrics"))
    release = Release(
        id=release_id(canonical_json(identity)),
        as_of=datetime.fromisoformat(interactions.metrics["effective_as_of"]),
        previous=previous.id if previous else None,
        artifacts=pinned,
        decision=read_decision(store.files(pinned["decision"])).action,
        metrics={name: metrics.metrics[name] for name in ("test", "baselines", "random_recall@10")},
    )

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        (attempt.data / "release.json").write_text(release.model_dump_json(indent=1))
        on_progress(1, 1)
        return {**release.metrics, "id": release.id, "rows": len(pinned), **_against(previous, release)}

    returned = RELEASE.run(store, config, pinned, work, identity)
    for artifact in pinned.values():
        store.manifest(artifact)  # a release never names what was collected while the run was under way
    announce(store, release, unwrap(returned)[0], config.promote, config.tags)
    if reason := why_not_live(log_entries(store), release.id):
        log.warning("%s", reason)
    _warn_of_forgotten(store, pinned["interactions"], release)
    return returned


def _warn_of_forgotten(store: Store, interactions: Artifact, release: Release) -> None:
    """Users may be forgotten while a run is under way, after it has read their rows."""
    manifest = store.manifest(interactions)
    late = forgotten_since(store, datetime.fromisoformat(manifest.created))
    if rows := Tracer(store, late).rows(manifest):
        log.warning(
            "Release %s holds %d rows of users who were forgotten after this run, or the one whose interactions it "
            "found, had read them. Run again: sidflow run; then: sidflow gc --apply --forgotten.",
            release.id,
            rows,
        )


def _against(previous: Release | None, release: Release) -> Facts:
    """The relative loss of Recall@10 against the release before; 0 for the first one."""
    before = previous.metrics["test"]["recall@10"] if previous else 0.0
    loss = (before - release.metrics["test"]["recall@10"]) / before if before else 0.0
    return {"recall_drop": max(0.0, loss)}
