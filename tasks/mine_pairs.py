"""Task: item pairs that co-occur more than chance explains, mined from training histories only."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.config import PairsConfig
from sidflow.histories.table import read_histories
from sidflow.pairs import mine
from sidflow.pairs.table import write_pairs
from tasks.stage import OnProgress, Stage

PAIRS = Stage("pairs", 2, ("sidflow.pairs",))


@task(name="mine pairs", task_run_name="mine-pairs", cache_policy=NO_CACHE)
def mine_pairs(store: Store, config: PairsConfig, histories: Artifact) -> Artifact:
    """Significant pairs and the top-up, with support, expectation, PMI, p-value and weight."""

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        table = read_histories(store.files(histories))
        pairs, facts = mine.mine_pairs(table, config, on_progress, store.cache_folder("pairs"))
        write_pairs(pairs, table.item_ids, attempt.data)
        return {**facts, "rows": len(pairs.a)}

    return PAIRS.run(store, config, {"histories": histories}, work)
