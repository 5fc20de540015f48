"""Task: the item files become the catalogue as it stood at the run's logical time."""

from datetime import datetime

import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.catalogue.read import read_catalogue, write_catalogue
from sidflow.config import CatalogueConfig
from sidflow.interactions.first import first_interactions
from sidflow.sources.listing import list_sources
from tasks.stage import OnProgress, Stage

CATALOGUE = Stage("catalogue", 1, ("sidflow.catalogue", "sidflow.sources"))


@task(name="ingest catalogue", task_run_name="ingest-catalogue", cache_policy=NO_CACHE)
def ingest_catalogue(store: Store, config: CatalogueConfig, interactions: Artifact, as_of: datetime | None) -> Artifact:
    """One row an item; items that appear later than the interactions' logical time are left out."""
    cut = store.manifest(interactions).metrics["effective_as_of_us"]
    by_interaction = config.appears == "first_interaction"
    identity: dict[str, object] = {"sources": [each.sha256 for each in list_sources(config.path)]}
    if by_interaction or config.columns.available_from is not None:
        identity["as_of_us"] = cut

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        first_seen = first_interactions(store.files(interactions)) if by_interaction else None
        read = read_catalogue(config.path, config, first_seen, cut, on_progress)
        write_catalogue(read.table, attempt.data)
        pq.write_table(read.rejects, attempt.beside / "rejects.parquet")
        return {**read.facts, "rows": read.table.num_rows}

    return CATALOGUE.run(store, config, {"interactions": interactions if by_interaction else None}, work, identity)
