"""Rows are looked at once, batch by batch."""

import json
from collections.abc import Iterator

import pyarrow as pa
import pytest

from sidflow.errors import ConfigError
from sidflow.validation import measure_rows
from tests.validation.worlds import TABLES


def batches(table: pa.Table, size: int) -> Iterator[pa.RecordBatch]:
    """A table in batches of a size."""
    yield from table.to_batches(max_chunksize=size)


def interactions(users: list[str | None]) -> pa.Table:
    """Interactions of some users."""
    rows = {"user_id": users, "item_id": ["a"] * len(users), "timestamp": range(len(users))}
    return pa.table(rows, schema=TABLES["interactions"].schema)


def test_rows_are_numbered_through_all_batches():
    """A broken row is found by its number in the table, with its values."""
    checks = measure_rows("interactions", batches(interactions(["u", "v", "w", None, "x"]), 2))
    (row,) = checks.failing_rows
    assert (row["row"], row["subject"], row["expectation"]) == (3, "user_id", "has text")
    assert row["values"]["user_id"] is None
    assert row["values"]["item_id"] == "a"
    assert checks.rows == 5


@pytest.mark.parametrize("size", [1, 2, 5])
def test_counts_do_not_depend_on_the_batches(size):
    """Nor do facts of the whole table."""
    checks = measure_rows("interactions", batches(interactions(["u", "", "w", None, "x"]), size))
    assert [(each.subject, each.unexpected, each.rows) for each in checks.results] == [
        ("user_id", 2, 5),
        ("item_id", 0, 5),
        ("timestamp", 0, 5),
    ]
    assert checks.facts == {"newest": 4, "schema_deviations": []}


def test_broken_rows_are_kept_up_to_a_limit_shared_by_the_expectations():
    """All are counted; of each of three expectations a third of a thousand is kept."""
    checks = measure_rows("interactions", batches(interactions([None] * 900), 400))
    assert checks.results[0].unexpected == 900
    assert len(checks.failing_rows) == 333


def test_failing_rows_are_plain_json():
    """NaN and long lists included."""
    table = TABLES["embeddings"]
    wide = pa.FixedSizeListArray.from_arrays(pa.array([float("nan")] * 80, pa.float32()), 20)
    checks = measure_rows("embeddings", pa.table({"item_id": table["item_id"], "vector": wide}).to_batches())
    (row, *_) = json.loads(json.dumps(checks.failing_rows, allow_nan=False))
    assert row["values"]["vector"] == ["nan"] * 16


def test_a_table_that_deviates_from_its_schema_is_noted_and_not_looked_at():
    """In words, each deviation once."""
    table = interactions(["u", None]).drop_columns("item_id")
    table = table.set_column(0, "user_id", pa.array([1, 2]))
    checks = measure_rows("interactions", batches(table, 1))
    assert checks.facts["schema_deviations"] == [
        "column 'user_id' is int64, not string",
        "column 'item_id' (string) is missing",
    ]
    assert sum(each.unexpected for each in checks.results) == 0


@pytest.mark.parametrize("kind", ["decision", "quantizer", "decoder", "metrics", "release", "segment"])
def test_kinds_without_rows(kind):
    """There is nothing to look at."""
    assert measure_rows(kind, None).to_json() == {"rows": 0, "results": [], "facts": {}}


def test_unknown_kind_is_refused():
    """With the nearest."""
    with pytest.raises(ConfigError, match=r"no gate for 'pair'; there are: .*Did you mean 'pairs'\?"):
        measure_rows("pair", None)
