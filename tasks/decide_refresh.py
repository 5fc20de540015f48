"""Task: how much of the SIDs this run makes anew."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.config import QuantizerConfig, RefreshConfig, SemanticIdsConfig
from sidflow.embedding.table import read_embeddings
from sidflow.histories.table import read_histories
from sidflow.pairs.table import read_pairs
from sidflow.quantizer.files import load_quantizer
from sidflow.release import Release
from sidflow.semantic_ids.drift import Monitors, PreviousState, monitor
from sidflow.semantic_ids.policy import decide, write_decision
from sidflow.semantic_ids.table import read_semantic_ids
from tasks.stage import OnProgress, Stage

DECISION = Stage(
    "decision",
    2,
    (
        "sidflow.quantizer.sharing",
        "sidflow.semantic_ids.drift",
        "sidflow.semantic_ids.drift_measures",
        "sidflow.semantic_ids.policy",
        "tasks.decide_refresh",
    ),
)


@task(name="decide refresh", task_run_name="decide-refresh", cache_policy=NO_CACHE)
def decide_refresh(
    store: Store,
    config: RefreshConfig,
    catalogue: Artifact,
    embeddings: Artifact,
    pairs: Artifact,
    histories: Artifact,
    previous: Release | None,
    quantizer: QuantizerConfig,
    semantic_ids: SemanticIdsConfig,
) -> Artifact:
    """Keep, assign new, full or re-encode; the two last sections say whether codes of now can be codes of before."""
    inputs = {"catalogue": catalogue, "embeddings": embeddings, "pairs": pairs, "histories": histories}
    inputs |= {f"previous_{kind}": previous.artifact(kind) for kind in ("quantizer", "semantic_ids") if previous}
    change = ""
    if previous is not None:
        change = encoder_change(_encoder(store, previous.artifact("embeddings")), _encoder(store, embeddings))
    shape_changed = previous is not None and (
        store.manifest(previous.artifact("quantizer")).identity != quantizer.identity()
        or store.manifest(previous.artifact("semantic_ids")).identity["uniqueness"] != semantic_ids.uniqueness
    )
    identity = {"encoder_changed": bool(change), "shape_changed": shape_changed}

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        comparable = previous is not None and not change
        monitors = _monitors(store, embeddings, pairs, histories, previous) if comparable and previous else None
        decision = decide(monitors, config, change, shape_changed)
        write_decision(decision, attempt.data)
        on_progress(1, 1)
        return {**asdict(decision), "rows": 1}

    return DECISION.run(store, config, inputs, work, identity)


def encoder_change(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What makes the vectors of two encoders incomparable, by name with both values; "" if nothing does."""
    names = dict.fromkeys([*now, *before])
    return "; ".join(
        f"{name}: {before.get(name)!r} before, {now.get(name)!r} now"
        for name in names
        if before.get(name) != now.get(name)
    )


def _encoder(store: Store, embeddings: Artifact) -> dict[str, Any]:
    """What vectors must share to be comparable; the width of ready-made ones stands in no setting."""
    manifest = store.manifest(embeddings)
    settings = {f"embedding.{name}": value for name, value in manifest.identity.items()}
    return {"embedding dimensions": manifest.metrics["dim"], **settings}


def _monitors(store: Store, embeddings: Artifact, pairs: Artifact, histories: Artifact, previous: Release) -> Monitors:
    """Drift since the quantiser in use was fitted; its manifest says on what."""
    fitted = store.manifest(previous.artifact("quantizer")).inputs
    then = read_embeddings(store.files(fitted["embeddings"]))
    state = PreviousState(
        table=read_semantic_ids(store.files(previous.artifact("semantic_ids"))),
        quantizer=load_quantizer(store.files(previous.artifact("quantizer"))),
        embeddings=then,
        histories=read_histories(store.files(store.manifest(fitted["pairs"]).inputs["histories"])),
        pairs=read_pairs(store.files(fitted["pairs"]), then.item_ids),
    )
    now = read_embeddings(store.files(embeddings))
    return monitor(state, now, read_histories(store.files(histories)), read_pairs(store.files(pairs), now.item_ids))
