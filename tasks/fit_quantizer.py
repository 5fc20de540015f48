"""Task: the quantiser that turns vectors into codes; refitted only when the decision says so."""

import json
import logging

import pyarrow as pa
import pyarrow.compute as pc
from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.catalogue.read import read_catalogue_table
from sidflow.config import QuantizerConfig
from sidflow.embedding.table import read_embeddings
from sidflow.pairs.table import read_pairs
from sidflow.quantizer.codebook import Array
from sidflow.quantizer.diagnostics import compare_with_text, diagnose
from sidflow.quantizer.files import load_quantizer, save_quantizer
from sidflow.quantizer.fit import fit_quantizer as fit
from sidflow.quantizer.sharing import Codes, nmi
from sidflow.release import Release
from sidflow.semantic_ids.align import align_quantizer
from sidflow.semantic_ids.policy import read_decision
from sidflow.semantic_ids.table import positions, read_semantic_ids
from tasks.stage import OnProgress, Stage, cached

log = logging.getLogger(__name__)
QUANTIZER = Stage("quantizer", 4, ("sidflow.quantizer", "sidflow.semantic_ids.align"))


@task(name="fit quantizer", task_run_name="fit-quantizer", cache_policy=NO_CACHE)
def fit_quantizer(
    store: Store,
    config: QuantizerConfig,
    embeddings: Artifact,
    pairs: Artifact,
    catalogue: Artifact,
    decision: Artifact,
    previous: Release | None,
) -> Artifact:
    """The previous release's quantiser; or, if the decision says so, a new fit, warm and aligned where it can be."""
    decided = read_decision(store.files(decision))
    if previous is not None and decided.action in ("keep", "assign_new"):
        if "quantizer" in store.refresh:
            log.warning("The decision is %s: codes stay. To refit them, set refresh.force=full.", decided.action)
        return cached(previous.artifact("quantizer"))
    warm = decided.warm_start
    inputs = {"embeddings": embeddings, "pairs": pairs, "catalogue": catalogue, "decision": decision}
    inputs |= {f"previous_{kind}": previous.artifact(kind) for kind in ("quantizer", "semantic_ids") if previous}

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        vectors = read_embeddings(store.files(embeddings))
        mined = read_pairs(store.files(pairs), vectors.item_ids)
        initial = load_quantizer(store.files(previous.artifact("quantizer"))) if warm and previous else None
        fitted = fit(vectors.vectors, mined, config, initial, on_progress, store.cache_folder("quantizer"))
        quantizer = fitted.quantizer
        if previous is not None and initial is not None:
            table = read_semantic_ids(store.files(previous.artifact("semantic_ids")))
            quantizer = align_quantizer(
                quantizer, initial, vectors.vectors, table, positions(vectors.item_ids, table.item_ids)
            )
        save_quantizer(quantizer, attempt.data)
        (attempt.beside / "curve.json").write_text(json.dumps(fitted.curve))
        labels = _labels(read_catalogue_table(store.files(catalogue)))
        peer = {**fitted.facts["rq_kmeans"], **_alike(fitted.peer_codes, vectors.vectors, quantizer.mean, labels)}
        facts = {**fitted.facts, **diagnose(quantizer, vectors.vectors, mined, labels), "rq_kmeans": peer}
        fitted.forget()
        return {**facts, "rows": sum(config.codebooks), "warm_started": warm}

    return QUANTIZER.run(store, config, inputs, work)


def _alike(codes: Codes, vectors: Array, mean: Array, labels: list[str] | None) -> Facts:
    """What the peer's codes tell of the embeddings, and of categories."""
    return {**compare_with_text(codes, vectors, mean), "nmi": nmi(codes[:, 0], labels) if labels is not None else None}


def _labels(catalogue: pa.Table) -> list[str] | None:
    """Categories to compare first codes with, where the catalogue has a column of that name."""
    for name in ("category", "categories", "genres", "genre"):
        if name in catalogue.column_names and pa.types.is_string(catalogue.schema.field(name).type):
            labels: list[str] = pc.fill_null(catalogue[name], "").to_pylist()
            return labels
    return None
