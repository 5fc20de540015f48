"""The flow `refresh`: from the raw log to a released decoder."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prefect import flow, runtime

from flows.evidence import report_release, show_summary
from flows.steps import Reached, Steps, Summary
from sidflow.artifacts import Store
from sidflow.artifacts.kinds import check_kind, dependents
from sidflow.config import Config, load_config
from tasks.assign_semantic_ids import assign_semantic_ids
from tasks.build_histories import build_histories
from tasks.decide_refresh import decide_refresh
from tasks.embed_items import embed_items
from tasks.evaluate_decoder import evaluate_decoder
from tasks.fit_quantizer import fit_quantizer
from tasks.ingest_availability import ingest_availability
from tasks.ingest_catalogue import ingest_catalogue
from tasks.ingest_interactions import ingest_interactions
from tasks.mine_pairs import mine_pairs
from tasks.publish_release import publish_release
from tasks.rebuild_dataset import rebuild_dataset
from tasks.train_decoder import train_decoder


def _run_name() -> str:
    as_of = runtime.flow_run.parameters.get("as_of")
    return f"refresh as of {as_of:%Y-%m-%d %H:%M}" if isinstance(as_of, datetime) else "refresh as of the newest event"


@flow(name="refresh", flow_run_name=_run_name, log_prints=False)
def refresh(
    config: str = "pipeline.yaml",
    overrides: tuple[str, ...] = (),
    as_of: datetime | None = None,
    until: str | None = None,
    redo: str | None = None,
) -> Summary:
    """Bring the release up to date with the data.

    Args:
        config: Path of the configuration.
        overrides: Settings `section.key=value` on top of it.
        as_of: Logical time of the run, exclusive, UTC if it has no zone; None means all there is.
        until: Last stage to run.
        redo: A stage to make again although it is cached, with all that depends on it.
    """
    settings = load_config(Path(config), overrides)
    steps = Steps(
        store=Store(settings.store.root, dependents(check_kind(redo, "--refresh")) if redo else frozenset()),
        until=check_kind(until, "--until") if until else None,
    )
    run_stages(steps, settings, _utc(as_of))
    summary = steps.summary()
    show_summary(summary)
    report_release(steps.store, summary)
    return summary


def run_stages(steps: Steps, config: Config, as_of: datetime | None) -> None:
    """All stages in flow order, up to the last one that was asked for."""
    with suppress(Reached):
        _run_stages(steps, config, as_of)


def _run_stages(steps: Steps, config: Config, as_of: datetime | None) -> None:
    store, run = steps.store, steps.run
    interactions = run(ingest_interactions, store, config.interactions, as_of)
    previous = steps.previous(interactions)
    catalogue = run(ingest_catalogue, store, config.catalogue, interactions, as_of)
    steps.check_sizes(catalogue, config, previous)
    run(ingest_availability, store, config.catalogue, catalogue)
    histories = run(build_histories, store, config.histories, interactions, catalogue)
    pairs = run(mine_pairs, store, config.pairs, histories)
    embeddings = run(embed_items, store, config.embedding, catalogue)
    decision = run(
        decide_refresh,
        store,
        config.refresh,
        catalogue,
        embeddings,
        pairs,
        histories,
        previous,
        config.quantizer,
        config.semantic_ids,
    )
    quantizer = run(fit_quantizer, store, config.quantizer, embeddings, pairs, catalogue, decision, previous)
    semantic_ids = run(
        assign_semantic_ids,
        store,
        config.semantic_ids,
        quantizer,
        embeddings,
        histories,
        catalogue,
        decision,
        previous,
    )
    dataset = run(rebuild_dataset, store, config.dataset, histories, semantic_ids)
    decoder = run(train_decoder, store, config.decoder, dataset, embeddings, pairs, decision, previous)
    run(evaluate_decoder, store, config.evaluation, decoder, dataset, embeddings)
    run(publish_release, store, config.release, steps.artifacts, previous)


def _utc(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
