"""Task: which items of the catalogue may be recommended; a change costs a new release and no training."""

from dataclasses import replace

import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.catalogue.availability import availability_of, write_availability
from sidflow.catalogue.read import read_catalogue_table
from sidflow.config import CatalogueConfig
from tasks.ingest_catalogue import clean_item_files, unmapped
from tasks.stage import OnProgress, Stage

AVAILABILITY = Stage("availability", 1, ("sidflow.catalogue",))


@task(name="ingest availability", task_run_name="ingest-availability", cache_policy=NO_CACHE)
def ingest_availability(store: Store, config: CatalogueConfig, catalogue: Artifact) -> Artifact:
    """One flag an item, in catalogue order; items that are not available are learned from all the same."""
    items = clean_item_files(replace(store, refresh=frozenset()), config)  # the catalogue has just had them made
    made = store.manifest(items)
    made_from = [made.identity["sources"], config.columns.item, config.columns.available]

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        item_ids = read_catalogue_table(store.files(catalogue))["item_id"].combine_chunks()
        table = availability_of(pq.read_table(store.files(items)["items.parquet"]), item_ids)
        write_availability(table, attempt.data)
        on_progress(1, 1)
        available = pc.sum(table["available"]).as_py() or 0
        counts = {"rows": table.num_rows, "available": available, "unavailable": table.num_rows - available}
        return {**counts, "made_from": made_from}

    return AVAILABILITY.run(store, unmapped(config), {"catalogue": catalogue}, work, {"flags": made.metrics["flags"]})
