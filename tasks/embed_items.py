"""Task: one vector an item; texts that are cached are not encoded again."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.catalogue.read import read_catalogue_table
from sidflow.config import EmbeddingConfig
from sidflow.embedding.encode import encode_items, encoder_identity
from sidflow.embedding.table import write_embeddings
from tasks.stage import OnProgress, Stage

EMBEDDINGS = Stage("embeddings", 1, ("sidflow.embedding",))


@task(name="embed items", task_run_name="embed-items", cache_policy=NO_CACHE)
def embed_items(store: Store, config: EmbeddingConfig, catalogue: Artifact) -> Artifact:
    """Unit vectors of the items' texts, in catalogue order."""

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        table = read_catalogue_table(store.files(catalogue))
        embeddings, facts = encode_items(table, config, store.cache_folder("embeddings"), on_progress)
        write_embeddings(embeddings, attempt.data)
        return {**facts, "rows": table.num_rows}

    identity = {"encoder": encoder_identity(config)}
    return EMBEDDINGS.run(store, config, {"catalogue": catalogue}, work, identity)
