"""The Arrow schema of every table that travels between stages, in one place.

Ids are text; times are UTC microseconds; the row number of the catalogue, sorted by item id, is an item's index
everywhere. A table may have more columns than its schema: a catalogue keeps the columns that the embedding
template uses, and optional columns are optional.
"""

from typing import Final

import pyarrow as pa

TIME: Final = pa.timestamp("us", tz="UTC")

INTERACTIONS: Final = pa.schema({"user_id": pa.string(), "item_id": pa.string(), "timestamp": TIME})
"""One row an interaction."""

CATALOGUE: Final = pa.schema({"item_id": pa.string(), "title": pa.string()})
"""One row an item, ascending by item_id as bytes."""

AVAILABILITY: Final = pa.schema({"item_id": pa.string(), "available": pa.bool_()})
"""One row an item in catalogue order: whether it may be recommended."""

HISTORIES: Final = pa.schema(
    {
        "user_id": pa.string(),
        "items": pa.large_list(pa.int32()),
        "timestamps": pa.large_list(pa.int64()),
        "n_train": pa.int32(),
        "n_validation": pa.int32(),
    }
)
"""One row a user, ascending by user_id as bytes; items are catalogue indices in time order."""

PAIRS: Final = pa.schema(
    {
        "item_a": pa.string(),
        "item_b": pa.string(),
        "support": pa.int32(),
        "expected": pa.float64(),
        "pmi": pa.float64(),
        "p_value": pa.float64(),
        "tier": pa.string(),
        "weight": pa.float32(),
        "heldout": pa.bool_(),
    }
)
"""One row a pair with item_a < item_b, ascending by both."""

SEMANTIC_IDS: Final = pa.schema(
    {"item_id": pa.string(), "codes": pa.list_(pa.int16()), "sid": pa.string(), "topics": pa.list_(pa.string())}
)
"""One row an item in catalogue order; codes per level are in the schema metadata."""


def embeddings_schema(dim: int) -> pa.Schema:
    """One row an item in catalogue order, with a unit vector of `dim` dimensions."""
    return pa.schema({"item_id": pa.string(), "vector": pa.list_(pa.float32(), dim)})
