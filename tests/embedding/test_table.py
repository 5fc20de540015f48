"""The file of embeddings."""

import numpy as np
import pyarrow as pa
import pytest

from sidflow.embedding.table import Embeddings, read_embeddings, write_embeddings
from sidflow.errors import CorruptArtifact, ShapeError


def some(rows: int, dim: int = 3) -> Embeddings:
    """Embeddings of `rows` items."""
    vectors = np.arange(rows * dim, dtype=np.float32).reshape(rows, dim)
    return Embeddings(pa.array([f"i{row}" for row in range(rows)], pa.string()), vectors)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_round_trip(tmp_path, rows):
    """What is written is read, an empty table too, whatever the file is called by then."""
    write_embeddings(some(rows), tmp_path)
    path = (tmp_path / "embeddings.arrow").rename(tmp_path / "0a1b")
    found = read_embeddings({"embeddings.arrow": path})
    assert found.item_ids.equals(some(rows).item_ids)
    assert found.vectors.dtype == np.float32
    np.testing.assert_array_equal(found.vectors, some(rows).vectors)


def test_reading_copies_nothing(tmp_path):
    """Vectors are a read-only view of the mapped file: Arrow allocates less than they take."""
    write_embeddings(some(4_000), tmp_path)
    before = pa.total_allocated_bytes()
    vectors = read_embeddings({"embeddings.arrow": tmp_path / "embeddings.arrow"}).vectors
    assert pa.total_allocated_bytes() - before < vectors.nbytes / 2
    assert not vectors.flags.owndata
    assert not vectors.flags.writeable


def test_other_file_is_corrupt(tmp_path):
    """A file of something else is named, with the next step."""
    path = tmp_path / "x"
    path.write_bytes(b"not arrow")
    with pytest.raises(CorruptArtifact, match=r"not a file of embeddings .*--refresh embeddings"):
        read_embeddings({"embeddings.arrow": path})


def test_other_arrow_file_is_corrupt(tmp_path):
    """An Arrow file without vectors is no file of embeddings."""
    path = tmp_path / "x"
    batch = pa.record_batch({"item_id": ["a"]})
    with pa.ipc.new_file(str(path), batch.schema) as writer:
        writer.write_batch(batch)
    with pytest.raises(CorruptArtifact, match="vector"):
        read_embeddings({"embeddings.arrow": path})


def test_ids_and_vectors_must_fit():
    """One row an item."""
    with pytest.raises(ShapeError, match=r"2 item ids and vectors of shape \(1, 3\)"):
        Embeddings(pa.array(["a", "b"]), np.zeros((1, 3), np.float32))
