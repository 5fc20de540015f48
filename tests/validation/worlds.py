"""For every kind of artifact a small data set that passes its gate: tables, facts and limits."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sidflow import schemas
from sidflow.artifacts.kinds import KINDS
from sidflow.config import Config

ITEMS = ["a", "b", "c", "d"]
SIZES = json.dumps([3, 4])
SECTION = {
    "items": "catalogue",
    "availability": "catalogue",
    "embeddings": "embedding",
    "decision": "refresh",
    "metrics": "evaluation",
}


def _tables() -> dict[str, pa.Table]:
    unit = np.eye(4, dtype=np.float32)
    return {
        "interactions": pa.table(
            {"user_id": ["u", "v"], "item_id": ["a", "b"], "timestamp": [0, 1_000]}, schema=schemas.INTERACTIONS
        ),
        "catalogue": pa.table({"item_id": ITEMS, "title": ["A", "", None, "D"]}, schema=schemas.CATALOGUE),
        "availability": pa.table(
            {"item_id": ITEMS, "available": [True, False, True, True]}, schema=schemas.AVAILABILITY
        ),
        "histories": pa.table(
            {
                "user_id": ["u", "v"],
                "items": [[0, 1, 3], [2]],
                "timestamps": [[5, 5, 9], [7]],
                "n_train": [1, 1],
                "n_validation": [1, 0],
            },
            schema=schemas.HISTORIES,
        ),
        "pairs": pa.table(
            {
                "item_a": ["a", "a", "b"],
                "item_b": ["b", "c", "d"],
                "support": [3, 2, 2],
                "expected": [0.1, 0.2, 0.3],
                "pmi": [3.4, 2.3, 1.9],
                "p_value": [0.0, 1e-4, 1.0],
                "tier": ["significant", "significant", "top-up"],
                "weight": [1.0, 0.8, 0.5],
                "heldout": [False, True, False],
            },
            schema=schemas.PAIRS,
        ),
        "embeddings": pa.table(
            {"item_id": ITEMS, "vector": pa.FixedSizeListArray.from_arrays(pa.array(unit.reshape(-1)), 4)},
            schema=schemas.embeddings_schema(4),
        ),
        "semantic_ids": sid_table([[0, 0], [0, 3], [2, 1], [1, 1]]),
        "dataset": sid_table([[0, 0], [0, 3], [2, 1], [1, 1]]),
    }


def sid_table(codes: list[list[int]], sids: list[str] | None = None) -> pa.Table:
    """Semantic IDs of the items, over levels of 3 and 4 codes."""
    columns = {
        "item_id": ITEMS[: len(codes)],
        "codes": codes,
        "sid": sids or ["-".join(map(str, each)) for each in codes],
        "topics": [None] * len(codes),
    }
    return pa.table(columns, schema=schemas.SEMANTIC_IDS.with_metadata({"sidflow.sizes": SIZES}))


TABLES = _tables()

FACTS: dict[str, dict[str, Any]] = {
    "interactions": {"rows": 2, "source_rows": 2, "rejects": {}, "effective_as_of_us": 1_001},
    "items": {"rows": 4, "source_rows": 4, "rejects": {}},
    "catalogue": {"rows": 4},
    "availability": {"rows": 4, "available": 3, "unavailable": 1},
    "histories": {"users": 2, "events": 4, "unknown_item_share": 0.0},
    "pairs": {
        "pairs": 3,
        "significant": 2,
        "topup": 1,
        "fdr_hat": 0.04,
        "max_hub_share": 0.7,
        "chance_share": 0.1,
        "pairs_observed": 9,
        "dropped": {"below_support": 4, "not_significant": 2, "over_partner_cap": 0},
        "items_covered": 4,
        "items_coverable": 5,
    },
    "embeddings": {"distinct_share": 1.0, "finite": True},
    "decision": {"action": "full"},
    "quantizer": {
        "usage": [1.0, 0.9],
        "perplexity": [0.9, 0.8],
        "gini": [0.2, 0.3],
        "conditional_entropy": [0.9, 0.1],
        "unique_share": 0.95,
        "explained_variance": [0.6, 0.8],
        "embedding_variance": [0.3, 0.5],
        "nmi": {"share": 0.5, "chance": 0.2, "lift": 2.5},
        "neighbours": [{"level": 1, "share": 0.4, "chance": 0.1, "lift": 4.0}],
        "cohesion": [{"level": 1, "pairs": 200, "share": 0.3, "chance": 0.1, "lift": 3.0}],
    },
    "semantic_ids": {
        "items": 4,
        "mode": "unique",
        "unique": True,
        "repaired_share": 0.1,
        "distortion_ratio": 1.2,
        "churn": 0.0,
    },
    "dataset": {"users": 2, "training_targets": 1},
    "decoder": {"epochs": 3, "validation": {"ndcg@10": 0.1}},
    "metrics": {"users": 2, "test": {"recall@10": 0.5}, "random_recall@10": 0.1},
    "release": {"test": {"recall@10": 0.5}, "random_recall@10": 0.1, "recall_drop": 0.17},
}
assert set(FACTS) == {*KINDS, "items"}


def limits_of(kind: str) -> dict[str, float]:
    """The default limits of a kind's gate."""
    gate = getattr(getattr(Config(), SECTION.get(kind, kind)), "gate", None)
    return {name: float(value) for name, value in gate.model_dump().items()} if gate else {}


def write(kind: str, table: pa.Table, folder: Path) -> dict[str, Path]:
    """Write a kind's files the way its stage does."""
    items = pa.table({"item_id": ITEMS})
    match kind:
        case "interactions":
            pq.write_table(pa.table({"file": ["x"], "raw": ["?"]}), folder / "rejected")
            pq.write_table(table, folder / "rows")
            return {"part-00000.parquet": folder / "rows", "rejects/part-00000.parquet": folder / "rejected"}
        case "catalogue" | "availability" | "pairs" | "semantic_ids":
            pq.write_table(table, folder / "rows")
            return {f"{kind}.parquet": folder / "rows"}
        case "dataset":
            pq.write_table(table, folder / "rows")
            _write_arrow(items, folder / "items")
            return {"semantic_ids.parquet": folder / "rows", "items.arrow": folder / "items"}
        case "embeddings":
            _write_arrow(table, folder / "rows")
            return {"embeddings.arrow": folder / "rows"}
        case "histories":
            _write_arrow(items, folder / "items")
            for row in range(table.num_rows):
                _write_arrow(table.slice(row, 1), folder / str(row))
            shards = {f"histories-{row:05d}.arrow": folder / str(row) for row in range(table.num_rows)}
            return {"items.arrow": folder / "items", **shards}
    raise AssertionError(kind)


def _write_arrow(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
