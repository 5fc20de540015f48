"""What is read from an artifact's files for its gate."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.validation import batches, row_batches
from sidflow.validation.batches import ITEMS
from tests.validation.worlds import TABLES, write


@pytest.mark.parametrize("kind", ["interactions", "catalogue", "availability", "pairs", "embeddings", "semantic_ids"])
def test_tables_come_back_whole(kind, tmp_path):
    """All rows in order, without the rejects beside them."""
    found = pa.Table.from_batches(row_batches(kind, write(kind, TABLES[kind], tmp_path)))
    assert found.to_pylist() == TABLES[kind].to_pylist()


def test_histories_come_shard_by_shard_and_know_the_catalogue(tmp_path):
    """In order of their names."""
    found = list(row_batches("histories", write("histories", TABLES["histories"], tmp_path)))
    assert [each["user_id"].to_pylist() for each in found] == [["u"], ["v"]]
    assert {each.schema.metadata[ITEMS] for each in found} == {b"4"}


def test_semantic_ids_keep_their_level_sizes(tmp_path):
    """They are in the metadata of the schema."""
    (batch,) = row_batches("semantic_ids", write("semantic_ids", TABLES["semantic_ids"], tmp_path))
    assert batch.schema.metadata[b"sidflow.sizes"] == b"[3, 4]"


def test_big_parquet_comes_in_bounded_batches(tmp_path, monkeypatch):
    """Never more rows at a time than the limit, across row groups."""
    monkeypatch.setattr(batches, "BATCH_ROWS", 300)
    pq.write_table(pa.table({"item_id": [f"{row:04d}" for row in range(1_000)]}), tmp_path / "x", row_group_size=700)
    sizes = [each.num_rows for each in row_batches("catalogue", {"catalogue.parquet": tmp_path / "x"})]
    assert sum(sizes) == 1_000
    assert max(sizes) <= 300


def test_wide_arrow_rows_come_in_slices_of_bounded_bytes(tmp_path, monkeypatch):
    """A catalogue of embeddings in one record batch is not judged as one frame."""
    monkeypatch.setattr(batches, "BATCH_BYTES", 4_000)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(100 * 100, np.float32)), 100)
    table = pa.table({"item_id": [f"{row:03d}" for row in range(100)], "vector": vectors})
    files = write("embeddings", table, tmp_path)
    sizes = [each.num_rows for each in row_batches("embeddings", files)]
    assert sum(sizes) == 100
    assert max(sizes) <= 10


@pytest.mark.parametrize("kind", ["decision", "quantizer", "decoder", "metrics", "release", "segment"])
def test_kinds_without_rows(kind):
    """None, whatever the files."""
    assert row_batches(kind, {}) is None
