"""Task: full-catalogue ranking of the test events, beside popularity and last-item transitions."""

import json

import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.config import EvaluationConfig
from sidflow.dataset.build import read_dataset
from sidflow.decoder.evaluate import evaluate
from sidflow.decoder.files import load_decoder
from sidflow.embedding.table import read_embeddings
from tasks.stage import OnProgress, Stage

METRICS = Stage("metrics", 3, ("sidflow.decoder",))


@task(name="evaluate decoder", task_run_name="evaluate-decoder", cache_policy=NO_CACHE)
def evaluate_decoder(
    store: Store, config: EvaluationConfig, decoder: Artifact, dataset: Artifact, embeddings: Artifact
) -> Artifact:
    """Metrics, and every test user's rank by each model."""

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        data = read_dataset(store.files(dataset))
        model = load_decoder(store.files(decoder), data.sids)
        facts, ranks = evaluate(model, data, read_embeddings(store.files(embeddings)).vectors, config, on_progress)
        pq.write_table(ranks, attempt.data / "ranks.parquet")
        (attempt.beside / "metrics.json").write_text(json.dumps(facts, indent=1))
        return {**facts, "rows": ranks.num_rows}

    inputs = {"decoder": decoder, "dataset": dataset, "embeddings": embeddings}
    return METRICS.run(store, config, inputs, work)
