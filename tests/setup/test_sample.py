"""The first rows of files."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.errors import DataContractError
from sidflow.setup.sample import MOST_FILES, read_sample


def test_a_small_file_is_read_whole(tmp_path: Path) -> None:
    """All rows, and it is known that they are all."""
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    sample = read_sample(str(tmp_path / "a.csv"), 10)
    assert (sample.table.to_pydict(), sample.rows, sample.complete) == ({"x": ["1", "3"], "y": ["2", "4"]}, 2, True)


def test_a_large_file_is_not(tmp_path: Path) -> None:
    """As many rows as asked for, and an estimate of all."""
    pq.write_table(pa.table({"x": range(100_000)}), tmp_path / "a.parquet", row_group_size=1_000)
    sample = read_sample(str(tmp_path / "a.parquet"), 1_000)
    assert (sample.table.num_rows, sample.complete) == (1_000, False)
    assert 90_000 < sample.rows < 110_000


def test_many_files_are_spread_over(tmp_path: Path) -> None:
    """Of a folder of files at most 16 are opened, from first to last."""
    for k in range(40):
        (tmp_path / f"{k:02d}.csv").write_text(f"x\n{k}\n")
    sample = read_sample(str(tmp_path), 1_000)
    seen = [int(each) for each in sample.table["x"].to_pylist()]
    assert (sample.files, sample.complete) == (40, False)
    assert len(seen) <= MOST_FILES and max(seen) > 30
    assert 36 <= sample.rows <= 44


def test_compressed_json_lines(tmp_path: Path) -> None:
    """Vectors stay vectors, everything else is text."""
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as file:
        file.write('{"a": 1, "v": [1, 2]}\n{"a": "x", "v": [3, 4]}\n')
    table = read_sample(str(tmp_path / "a.jsonl.gz"), 10).table
    assert table.to_pydict() == {"a": ["1", "x"], "v": [[1.0, 2.0], [3.0, 4.0]]}


def test_columns_that_cannot_be_named(tmp_path: Path) -> None:
    """A name that stands twice and one that is blank are left out, and it is said."""
    (tmp_path / "a.csv").write_text(",x,x,y\n0,1,2,3\n")
    sample = read_sample(str(tmp_path / "a.csv"), 10)
    assert sample.table.column_names == ["y"]
    assert sample.left_out == {"x": "is there 2 times", "": "has no name"}


def test_a_column_of_two_kinds(tmp_path: Path) -> None:
    """Vectors in one file and text in another cannot be mapped."""
    (tmp_path / "a.jsonl").write_text('{"v": [1, 2], "w": 1}\n')
    (tmp_path / "b.jsonl").write_text('{"v": "x", "w": 2}\n')
    sample = read_sample(str(tmp_path), 10)
    assert sample.table.column_names == ["w"]
    assert sample.left_out == {"v": "is a vector in some rows and text in others"}


def test_bytes_are_no_column(tmp_path: Path) -> None:
    """Images in a column do not stop the reading."""
    pq.write_table(pa.table({"x": [1], "jpeg": [b"\xff\xd8"]}), tmp_path / "a.parquet")
    assert read_sample(str(tmp_path / "a.parquet"), 10).table["jpeg"].null_count == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("a,b\n", "has columns a, b but no row"),
        ("a;b\n1;2\n", "';'"),
        ("196,242,881250949\n186,302,891717742\n", "looks like data"),
        ("user_1,2009-05-04T23:08:57Z,a\nuser_1,2009-05-04T13:54:10Z,b\n", "looks like data"),
    ],
)
def test_files_to_refuse(tmp_path: Path, content: str, said: str) -> None:
    """Empty, without rows, separated by semicolons, without a header."""
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataContractError, match=said):
        read_sample(str(tmp_path / "a.csv"), 10)


def test_numbered_columns_are_columns(tmp_path: Path) -> None:
    """A header 0,1,2 as data frames write it."""
    (tmp_path / "a.csv").write_text("0,1\n5,6\n")
    assert read_sample(str(tmp_path / "a.csv"), 10).table.column_names == ["0", "1"]


def test_files_of_different_tables(tmp_path: Path) -> None:
    """A folder that holds log and catalogue is not one table."""
    (tmp_path / "log.csv").write_text("user,item,at\n1,2,3\n")
    (tmp_path / "items.csv").write_text("item,title\n2,x\n")
    with pytest.raises(
        DataContractError, match=r"holds files of different tables: items\.csv has item, title; log\.csv"
    ):
        read_sample(str(tmp_path), 10)
