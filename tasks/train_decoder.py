"""Task: the hierarchical decoder, warm-started from the previous release where it fits."""

import json
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.config import DecoderConfig
from sidflow.dataset.build import read_dataset
from sidflow.decoder.calibrate import fit_rescorer
from sidflow.decoder.files import load_decoder, save_decoder
from sidflow.decoder.fit import forget_training
from sidflow.decoder.fit import train_decoder as train
from sidflow.decoder.launch import Request, train_in_processes
from sidflow.embedding.table import read_embeddings
from sidflow.pairs.table import read_pairs
from sidflow.release import Release
from sidflow.semantic_ids.policy import read_decision
from sidflow.semantic_ids.table import read_semantic_ids
from tasks.stage import OnProgress, Stage

DECODER = Stage("decoder", 2, ("sidflow.decoder", "sidflow.dataset"))
PREVIOUS = ("decoder", "semantic_ids", "quantizer")


@task(name="train decoder", task_run_name="train-decoder", cache_policy=NO_CACHE)
def train_decoder(
    store: Store,
    config: DecoderConfig,
    dataset: Artifact,
    embeddings: Artifact,
    pairs: Artifact,
    decision: Artifact,
    previous: Release | None,
) -> Artifact:
    """A decoder that is bound to the data set's SID table."""
    inputs = {"dataset": dataset, "embeddings": embeddings, "pairs": pairs, "decision": decision}
    inputs |= {f"previous_{kind}": previous.artifact(kind) for kind in PREVIOUS if previous and config.warm_start}
    max_items = int(store.manifest(dataset).identity["max_items"])

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        data = read_dataset(store.files(dataset))
        vectors = read_embeddings(store.files(embeddings)).vectors
        decided = read_decision(store.files(decision))
        related = decided.warm_start or decided.action in ("keep", "assign_new")
        initial = _previous_files(store, previous) if previous and config.warm_start and related else None
        folder = store.cache_folder("decoder")
        with (attempt.beside / "metrics.jsonl").open("w") as curve:

            def on_metrics(row: dict[str, Any]) -> None:
                curve.write(json.dumps(row) + "\n")
                curve.flush()

            if config.processes > 1:
                files = store.files(dataset), store.files(embeddings)
                request = Request(*files, config, max_items, initial, folder)
                trained = train_in_processes(request, config.processes, on_progress, on_metrics)
            else:
                decoder = load_decoder(initial, read_semantic_ids(initial)) if initial else None
                trained = train(data, vectors, config, max_items, decoder, on_progress, on_metrics, folder)
        facts = {**trained.facts, "rows": sum(each.numel() for each in trained.decoder.parameters())}
        if config.rescore:
            mined = read_pairs(store.files(pairs), data.sids.item_ids)
            facts["rescoring"] = fit_rescorer(trained.decoder, data, vectors, mined)
        save_decoder(trained.decoder, attempt.data)
        forget_training(folder, trained)
        return facts

    return DECODER.run(store, config, inputs, work)


def _previous_files(store: Store, previous: Release) -> dict[str, Path]:
    """The previous release's decoder and the SID table it is bound to."""
    return {**store.files(previous.artifact("semantic_ids")), **store.files(previous.artifact("decoder"))}
