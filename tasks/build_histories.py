"""Task: each user's ordered items, and what may be learned from them."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.catalogue.read import read_catalogue_table
from sidflow.config import HistoriesConfig
from sidflow.histories import build
from sidflow.histories.table import write_histories
from tasks.stage import OnProgress, Stage

HISTORIES = Stage("histories", 1, ("sidflow.histories",))


@task(name="build histories", task_run_name="build-histories", cache_policy=NO_CACHE)
def build_histories(store: Store, config: HistoriesConfig, interactions: Artifact, catalogue: Artifact) -> Artifact:
    """Users' items as catalogue indices in time order, k-core filtered and split."""
    cut = store.manifest(interactions).metrics["effective_as_of_us"]

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        item_ids = read_catalogue_table(store.files(catalogue))["item_id"].combine_chunks()
        histories, facts = build.build_histories(store.files(interactions), item_ids, config, cut, on_progress)
        write_histories(histories, attempt.data, config.users_per_shard)
        return {**facts, "rows": facts["users"]}

    return HISTORIES.run(store, config, {"interactions": interactions, "catalogue": catalogue}, work)
