"""The table of topics beside the SID table."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.errors import CorruptArtifact
from sidflow.semantic_ids.topic_table import FILE, KEPT, read_topics, write_topics
from sidflow.semantic_ids.topics import Topics

TOPICS = Topics(
    {(1, 0): "oat", (12,): "combs", (1,): "soap"},
    {(1, 0): (), (12,): ("Tail Comb",), (1,): ("Bar Soap", "Oat Soap")},
)


def test_round_trip(tmp_path):
    """What is written is read."""
    write_topics(TOPICS, tmp_path)
    assert read_topics({KEPT: tmp_path / FILE}) == TOPICS


def test_file_is_readable_by_others(tmp_path):
    """Prefixes as text, the shorter first, each in order of its codes."""
    write_topics(TOPICS, tmp_path)
    assert pq.read_table(tmp_path / FILE).to_pylist() == [
        {"prefix": "1", "topic": "soap", "titles": ["Bar Soap", "Oat Soap"]},
        {"prefix": "12", "topic": "combs", "titles": ["Tail Comb"]},
        {"prefix": "1-0", "topic": "oat", "titles": []},
    ]


def test_no_topics_round_trip(tmp_path):
    """A catalogue without words has an empty table."""
    write_topics(Topics({}, {}), tmp_path)
    assert read_topics({KEPT: tmp_path / FILE}) == Topics({}, {})


def test_an_older_release_has_no_such_file():
    """It reads as no topics, not as an error."""
    assert read_topics({}) == Topics({}, {})


@pytest.mark.parametrize("prefix", ["", "1-x", None])
def test_other_tables_are_refused(tmp_path, prefix):
    """A prefix that is none, and a file that is no table."""
    pq.write_table(pa.table({"prefix": [prefix], "topic": ["a"], "titles": [["b"]]}), tmp_path / FILE)
    with pytest.raises(CorruptArtifact, match="not a table of topics"):
        read_topics({KEPT: tmp_path / FILE})
    (tmp_path / FILE).write_bytes(b"no table")
    with pytest.raises(CorruptArtifact, match="run the stage semantic_ids again"):
        read_topics({KEPT: tmp_path / FILE})
