"""Task: the item files become items, and those that exist at the run's logical time become the catalogue."""

from datetime import datetime

import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.catalogue.content import content_digest
from sidflow.catalogue.items import read_items
from sidflow.catalogue.read import catalogue_facts, existing_items, learned_columns, write_catalogue
from sidflow.config import CatalogueConfig
from sidflow.config.inputs import CatalogueColumns
from sidflow.interactions.first import first_interactions
from sidflow.sources.listing import list_sources
from tasks.stage import OnProgress, Stage, unwrap

ITEMS = Stage("items", 2, ("sidflow.catalogue", "sidflow.sources"))
CATALOGUE = Stage("catalogue", 2, ("sidflow.catalogue",))


@task(name="ingest catalogue", task_run_name="ingest-catalogue", cache_policy=NO_CACHE)
def ingest_catalogue(store: Store, config: CatalogueConfig, interactions: Artifact, as_of: datetime | None) -> Artifact:
    """One row an item; its recipe holds what learning reads of the items, not the files that say so.

    Items that appear later than the interactions' logical time are left out.
    """
    items = clean_item_files(store, config)
    cut = store.manifest(interactions).metrics["effective_as_of_us"]
    by_interaction = config.appears == "first_interaction"
    identity: dict[str, object] = {"content": store.manifest(items).metrics["content"]}
    if by_interaction or config.columns.available_from is not None:
        identity["as_of_us"] = cut

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        first_seen = first_interactions(store.files(interactions)) if by_interaction else None
        table, not_yet = existing_items(pq.read_table(store.files(items)["items.parquet"]), first_seen, cut)
        table = learned_columns(table)
        write_catalogue(table, attempt.data)
        on_progress(1, 1)
        return {**catalogue_facts(table, not_yet), "rows": table.num_rows}

    inputs = {"interactions": interactions if by_interaction else None}
    return CATALOGUE.run(store, unmapped(config), inputs, work, identity)


def clean_item_files(store: Store, config: CatalogueConfig) -> Artifact:
    """The rows of the item files as they are now, cleaned once; its facts name their content."""

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        read = read_items(config.path, config, on_progress)
        pq.write_table(read.table, attempt.data / "items.parquet", compression="zstd")
        pq.write_table(read.rejects, attempt.beside / "rejects.parquet")
        flags = content_digest(read.table.select(["item_id", "available"]))
        content = content_digest(learned_columns(read.table))
        return {**read.facts, "rows": read.table.num_rows, "content": content, "flags": flags}

    sources = [each.sha256 for each in list_sources(config.path)]
    return unwrap(ITEMS.run(store, config, {}, work, {"sources": sources}))[0]


def unmapped(config: CatalogueConfig) -> CatalogueConfig:
    """The settings without the column mapping: what follows from the items is named by their content."""
    return config.model_copy(update={"columns": CatalogueColumns()})
