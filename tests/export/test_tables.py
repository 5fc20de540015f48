"""Tables in every format, as other programs read them."""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.export.destination import Destination
from sidflow.export.tables import Stream, write_stream

SCHEMA = pa.schema({"id": pa.string(), "title": pa.string(), "codes": pa.large_list(pa.int32()), "score": pa.float32()})
ROWS = [
    {"id": "007", "title": 'a "quoted", [bracketed]\r\nline', "codes": [1, 2], "score": 0.5},
    {"id": "2", "title": "=SUM(A1) \u2603", "codes": [], "score": -1.25},
    {"id": "3", "title": None, "codes": [7], "score": 2.0},
]


def stream(sidecar: bool = False) -> Stream:
    """Three rows in two batches."""
    batches = [pa.RecordBatch.from_pylist(rows, SCHEMA) for rows in (ROWS[:2], ROWS[2:])]
    return Stream(SCHEMA, batches, {"release": "r"}, sidecar)


def write(folder: Path, name: str, sidecar: bool = False) -> Path:
    """Write the rows to a file of this name."""
    assert write_stream(stream(sidecar), Destination.parse(str(folder / name))) == 3
    return folder / name


def test_parquet(tmp_path: Path) -> None:
    """Types as they are, a row group a batch, and what must be known in the schema metadata."""
    path = write(tmp_path, "a.parquet", sidecar=True)
    table = pq.read_table(path)
    assert table.to_pylist() == ROWS
    assert table.schema.equals(SCHEMA)
    assert json.loads(table.schema.metadata[b"sidflow"]) == {"release": "r"}
    assert pq.ParquetFile(path).num_row_groups == 2
    assert [each.name for each in tmp_path.iterdir()] == ["a.parquet"]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_csv(tmp_path: Path, name: str) -> None:
    """Quotes, commas, line ends and other alphabets come back; lists are text with blanks between."""
    path = write(tmp_path, name)
    with gzip.open(path, "rt", newline="") if name.endswith("gz") else path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["title"] for row in rows] == [ROWS[0]["title"], ROWS[1]["title"], ""]
    assert [row["id"] for row in rows] == ["007", "2", "3"]
    assert [row["codes"] for row in rows] == ["1 2", "", "7"]
    assert [float(row["score"]) for row in rows] == [0.5, -1.25, 2.0]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_float32_is_written_with_its_own_digits(tmp_path: Path, name: str) -> None:
    """0.1, not 0.10000000149011612; and nulls are nulls."""
    schema = pa.schema({"score": pa.float32()})
    batch = pa.RecordBatch.from_pylist([{"score": 0.1}, {"score": None}], schema)
    write_stream(Stream(schema, [batch]), Destination.parse(str(tmp_path / name)))
    text = (tmp_path / name).read_text()
    assert text.split() == (["score", "0.1", '""'] if name == "a.csv" else ['{"score":', "0.1}", '{"score":', "null}"])


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_json_lines(tmp_path: Path, name: str) -> None:
    """One object a line."""
    content = write(tmp_path, name).read_bytes()
    text = (gzip.decompress(content) if name.endswith("gz") else content).decode()
    assert [json.loads(line) for line in text.splitlines()] == ROWS


def test_a_sidecar_for_text_formats(tmp_path: Path) -> None:
    """Where the rows cannot be read without it, and only there."""
    write(tmp_path, "plain.csv")
    path = write(tmp_path, "a.csv", sidecar=True)
    assert json.loads(Path(f"{path}.schema.json").read_text()) == {"release": "r"}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.csv", "a.csv.schema.json", "plain.csv"]


def test_gzip_is_the_same_every_time(tmp_path: Path) -> None:
    """No name and no time in it."""
    assert write(tmp_path, "a.csv.gz").read_bytes() == write(tmp_path, "b.csv.gz").read_bytes()


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.jsonl.gz"])
def test_no_rows(tmp_path: Path, name: str) -> None:
    """An empty table is a file all the same, with its columns where the format has them."""
    assert write_stream(Stream(SCHEMA, []), Destination.parse(str(tmp_path / name))) == 0
    assert (tmp_path / name).exists()
    if name == "a.parquet":
        assert pq.read_table(tmp_path / name).column_names == SCHEMA.names


@pytest.mark.parametrize("name", ["a.parquet", "a.csv", "a.jsonl"])
def test_batches_that_fail_leave_nothing(tmp_path: Path, name: str) -> None:
    """Rows are written before the failure, but never under the final name."""

    def failing() -> Iterator[pa.RecordBatch]:
        yield from stream().batches
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_stream(Stream(SCHEMA, failing()), Destination.parse(str(tmp_path / name)))
    assert list(tmp_path.iterdir()) == []
