"""The SID table: checks, digest, round trip."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.errors import CorruptArtifact, ShapeError
from sidflow.semantic_ids.table import positions, read_semantic_ids, write_semantic_ids
from tests.semantic_ids.planted import ids_of, table_of


def files_of(folder):
    """Logical names of a folder's files, as the store gives them."""
    return {path.name: path for path in folder.iterdir()}


def test_round_trip(tmp_path):
    """What is written is read: ids, codes, sizes and topics."""
    table = table_of([[0, 3], [1, 2]], (2, 4), topics=(("soap", "bar soap"), ("hair", "combs")))
    write_semantic_ids(table, tmp_path)
    read = read_semantic_ids(files_of(tmp_path))
    assert read.item_ids.equals(table.item_ids)
    assert read.codes.tolist() == [[0, 3], [1, 2]]
    assert read.codes.dtype == np.int16
    assert read.sizes == (2, 4)
    assert read.topics == table.topics
    assert read.digest() == table.digest()


def test_no_topics_round_trip(tmp_path):
    """A table without topic names reads back without them."""
    write_semantic_ids(table_of([[1]], (2,)), tmp_path)
    assert read_semantic_ids(files_of(tmp_path)).topics is None


def test_empty_table_round_trip(tmp_path):
    """A table of no items keeps its sizes."""
    write_semantic_ids(table_of([], (2, 3)), tmp_path)
    read = read_semantic_ids(files_of(tmp_path))
    assert read.codes.shape == (0, 2)
    assert read.sizes == (2, 3)


def test_file_is_readable_by_others(tmp_path):
    """The Parquet file shows a SID as text and codes as a list."""
    write_semantic_ids(table_of([[12, 7, 200]], (256, 256, 256), topics=(("a", "b", "c"),)), tmp_path)
    row = pq.read_table(tmp_path / "semantic_ids.parquet").to_pylist()[0]
    assert row == {"item_id": "i00000", "codes": [12, 7, 200], "sid": "12-7-200", "topics": ["a", "b", "c"]}


def test_missing_sizes_are_refused(tmp_path):
    """A file whose metadata lost the sizes is corrupt."""
    write_semantic_ids(table_of([[1]], (2,)), tmp_path)
    path = tmp_path / "semantic_ids.parquet"
    pq.write_table(pq.read_table(path).replace_schema_metadata(None), path)
    with pytest.raises(CorruptArtifact, match="no level sizes"):
        read_semantic_ids(files_of(tmp_path))


def test_rows_that_do_not_fit_sizes_are_refused(tmp_path):
    """A file whose sizes name another number of levels is corrupt."""
    write_semantic_ids(table_of([[1, 1]], (2, 2)), tmp_path)
    path = tmp_path / "semantic_ids.parquet"
    metadata = {b"sidflow.sizes": json.dumps([2, 2, 2]).encode()}
    pq.write_table(pq.read_table(path).replace_schema_metadata(metadata), path)
    with pytest.raises(CorruptArtifact, match="2 codes for 1 items of 3 levels"):
        read_semantic_ids(files_of(tmp_path))


@pytest.mark.parametrize(
    ("codes", "sizes", "message"),
    [([[2, 0]], (2, 2), "outside its level"), ([[-1, 0]], (2, 2), "outside its level")],
)
def test_codes_outside_their_level_are_refused(codes, sizes, message):
    """A code at or above its level's size, or below zero, is refused."""
    with pytest.raises(ShapeError, match=message):
        table_of(codes, sizes)


def test_counts_that_differ_are_refused():
    """Ids, codes and topics must be as many."""
    with pytest.raises(ShapeError, match="there are 2 item ids"):
        table_of([[0]], (2,), ids=ids_of(0, 1))
    with pytest.raises(ShapeError, match="2 rows of topic names for 1 items"):
        table_of([[0]], (2,), topics=(("a",), ("b",)))


def test_digest_sees_codes_ids_and_sizes_but_not_topics():
    """The digest changes with whatever a decoder depends on, and with nothing else."""
    table = table_of([[0, 1]], (2, 2))
    assert table.digest() == table_of([[0, 1]], (2, 2), topics=(("a", "b"),)).digest()
    others = [
        table_of([[1, 1]], (2, 2)),
        table_of([[0, 1]], (2, 3)),
        table_of([[0, 1]], (2, 2), ids=pa.array(["other"])),
    ]
    assert len({table.digest(), *(other.digest() for other in others)}) == 4


def test_digest_ignores_memory_layout():
    """A sliced id array and a transposed code array digest like plain ones."""
    ids = pa.array(["skipped", "i00000", "i00001"]).slice(1)
    codes = np.asfortranarray(np.array([[0, 1], [1, 0]], np.int16))
    assert table_of(codes, (2, 2), ids=ids).digest() == table_of([[0, 1], [1, 0]], (2, 2)).digest()


def test_positions():
    """Known items are found, others are -1."""
    assert positions(ids_of(3, 1, 7), ids_of(1, 2, 3)).tolist() == [2, 0, -1]
    assert positions(ids_of(3), pa.array([], pa.string())).tolist() == [-1]
