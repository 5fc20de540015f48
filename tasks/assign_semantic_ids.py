"""Task: one unique SID an item, with topic names; known items move only where the decision lets them."""

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.catalogue.read import read_catalogue_table
from sidflow.config import SemanticIdsConfig
from sidflow.embedding.table import read_embeddings
from sidflow.histories.table import read_histories, training_events
from sidflow.quantizer.files import load_quantizer
from sidflow.release import Release
from sidflow.semantic_ids.assign import assign_semantic_ids as assign
from sidflow.semantic_ids.policy import read_decision
from sidflow.semantic_ids.table import SidTable, read_semantic_ids, write_semantic_ids
from sidflow.semantic_ids.topic_table import write_topics
from sidflow.semantic_ids.topic_texts import topic_texts
from sidflow.semantic_ids.topics import find_topics
from tasks.stage import OnProgress, Stage

SEMANTIC_IDS = Stage("semantic_ids", 3, ("sidflow.semantic_ids",))


@task(name="assign semantic ids", task_run_name="assign-semantic-ids", cache_policy=NO_CACHE)
def assign_semantic_ids(
    store: Store,
    config: SemanticIdsConfig,
    quantizer: Artifact,
    embeddings: Artifact,
    histories: Artifact,
    catalogue: Artifact,
    decision: Artifact,
    previous: Release | None,
) -> Artifact:
    """The SID table in catalogue order."""
    inputs = {
        "quantizer": quantizer,
        "embeddings": embeddings,
        "histories": histories,
        "catalogue": catalogue,
        "decision": decision,
        "previous": previous.artifact("semantic_ids") if previous else None,
    }

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        vectors = read_embeddings(store.files(embeddings))
        old = read_semantic_ids(store.files(previous.artifact("semantic_ids"))) if previous else None
        decided = read_decision(store.files(decision))
        fitted = load_quantizer(store.files(quantizer))
        _, seen, _ = training_events(read_histories(store.files(histories)))
        popularity = np.bincount(seen, minlength=len(vectors.item_ids))
        made = assign(fitted, vectors.vectors, vectors.item_ids, config, old, decided, popularity)
        on_progress(1, 2)
        items = read_catalogue_table(store.files(catalogue))
        more = topic_texts(items, store.manifest(embeddings).identity["template"], config.topic_columns)
        topics = find_topics(made.codes, items["title"].to_pylist(), more, config.topic_terms)
        names = topics.by_item(made.codes)
        write_semantic_ids(SidTable(vectors.item_ids, made.codes, made.sizes, names), attempt.data)
        write_topics(topics, attempt.beside)
        on_progress(2, 2)
        return {**made.facts, "rows": len(made.codes)}

    return SEMANTIC_IDS.run(store, config, inputs, work)
