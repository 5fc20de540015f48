"""Task: what the decoder learns from: the histories as they are, and the SID table beside them."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.config import DatasetConfig
from sidflow.dataset.build import describe_dataset, read_dataset
from tasks.stage import OnProgress, Stage

DATASET = Stage("dataset", 1, ("sidflow.dataset",))


@task(name="rebuild dataset", task_run_name="rebuild-dataset", cache_policy=NO_CACHE)
def rebuild_dataset(store: Store, config: DatasetConfig, histories: Artifact, semantic_ids: Artifact) -> Artifact:
    """Names the parts of both inputs: sequences are item indices, so a new SID table costs no rewrite."""

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        for artifact in (histories, semantic_ids):
            for part in store.manifest(artifact).parts:
                if part.name.endswith(".parquet"):
                    attempt.adopt(part, part.name)  # so that the data folder reads as the SID table
                elif not part.name.startswith("beside/"):
                    attempt.refer(part, part.name)
        dataset = read_dataset({**store.files(histories), **store.files(semantic_ids)})
        on_progress(1, 1)
        return {**describe_dataset(dataset, config.max_items), "rows": len(dataset.histories.user_ids)}

    return DATASET.run(store, config, {"histories": histories, "semantic_ids": semantic_ids}, work)
