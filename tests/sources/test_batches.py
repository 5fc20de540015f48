"""Reading source files of every format as batches."""

import gzip
import json
import math
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidflow.errors import DataContractError
from sidflow.sources import Batch, Source, list_sources, read_batches
from sidflow.sources.delimited import read_delimited


def source_of(folder: Path, name: str, content: bytes) -> Source:
    """A file and its listing."""
    (folder / name).write_bytes(content)
    return list_sources(str(folder / name))[0]


def rows_of(batches: Iterable[Batch]) -> list[tuple[int, dict[str, object]]]:
    """Row numbers with contents."""
    return [each for b in batches for each in zip(b.rows.to_pylist(), b.table.to_pylist(), strict=True)]


def bad_of(batches: Iterable[Batch]) -> list[tuple[int, str, str]]:
    """Rows that could not be read."""
    return [tuple(bad) for batch in batches for bad in batch.bad]  # type: ignore[misc]


def compressed(content: bytes, suffix: str) -> bytes:
    """The content as a file of that suffix holds it."""
    match suffix:
        case ".gz":
            return gzip.compress(content)
        case ".zst":
            return pa.compress(content, "zstd", asbytes=True)
    return content


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet"])
def test_every_format_keeps_ids_as_they_are_written(tmp_path: Path, name: str, suffix: str) -> None:
    """Leading zeros survive in every format and compression."""
    rows = [{"user": "007", "item": "1e5"}, {"user": "08", "item": "é,x"}]
    match Path(name).suffix:
        case ".csv":
            content = 'user,item\n007,1e5\n08,"é,x"\n'.encode()
        case ".tsv":
            content = "user\titem\n007\t1e5\n08\té,x\n".encode()
        case ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), tmp_path / "plain")
            content = (tmp_path / "plain").read_bytes()
        case _:
            content = "\n".join(json.dumps(row) for row in rows).encode()
    source = source_of(tmp_path, name + suffix, compressed(content, suffix))
    assert rows_of(read_batches(source, 10, ["user", "item"])) == [(1, rows[0]), (2, rows[1])]


def test_csv_ragged_rows_are_set_aside(tmp_path: Path) -> None:
    """They keep their number and text, and the numbers of other rows count them; blank lines do not count."""
    source = source_of(tmp_path, "a.csv", b"u,i\n1,a\n2\n\n3,b,c\n4,d\n5\n")
    batches = list(read_batches(source, 10))
    assert [row for row, _ in rows_of(batches)] == [1, 4]
    assert sorted(bad_of(batches)) == [
        (2, "too few fields", "2"),
        (3, "too many fields", "3,b,c"),
        (5, "too few fields", "5"),
    ]


def test_csv_of_ragged_rows_alone(tmp_path: Path) -> None:
    """A file without one sound row is read to its end."""
    batches = list(read_batches(source_of(tmp_path, "a.csv", b"u,i\n1\n2\n"), 10))
    assert rows_of(batches) == [] and [row for row, _, _ in bad_of(batches)] == [1, 2]


def test_csv_quotes_and_line_breaks(tmp_path: Path) -> None:
    """Quoted values hold delimiters, quotes and line breaks; a byte order mark and CRLF are no part of a value."""
    source = source_of(tmp_path, "a.csv", b'\xef\xbb\xbfu,i\r\n"a,b","x\ny ""z"""\r\nc,d\r\n')
    assert rows_of(read_batches(source, 10, ["u"])) == [
        (1, {"u": "a,b", "i": 'x\ny "z"'}),
        (2, {"u": "c", "i": "d"}),
    ]


def test_csv_null_words_are_text(tmp_path: Path) -> None:
    """An item may be called NA or null; what is blank is an empty text."""
    source = source_of(tmp_path, "a.csv", b"u,i\nNA,null\n,NaN\n")
    assert rows_of(read_batches(source, 10)) == [(1, {"u": "NA", "i": "null"}), (2, {"u": "", "i": "NaN"})]


@given(
    rows=st.lists(st.sampled_from(["{k},a", "{k}", "{k},a,b", '{k},"x\ny"']), min_size=1, max_size=40),
    batch_rows=st.integers(1, 7),
    block=st.integers(40, 200),
)
def test_csv_numbers_rows_alike_for_any_blocks(
    rows: list[str], batch_rows: int, block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every row is either read or set aside, under its own number, whatever the block and batch sizes."""
    content = "u,i\n" + "".join(row.format(k=k) + "\n" for k, row in enumerate(rows, start=1))
    source = source_of(tmp_path_factory.mktemp("csv"), "a.csv", content.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sidflow.sources.delimited._BLOCK", block)
        batches = list(read_delimited(source, ",", batch_rows, ["u"]))
    assert all(len(batch.rows) <= batch_rows for batch in batches)
    sound = [(row, content["u"]) for row, content in rows_of(batches)]
    assert sound == [(k, str(k)) for k, row in enumerate(rows, 1) if row in ("{k},a", '{k},"x\ny"')]
    assert sorted(row for row, _, _ in bad_of(batches)) == [
        k for k, row in enumerate(rows, 1) if row in ("{k}", "{k},a,b")
    ]


def test_csv_raw_text_of_chosen_rows(tmp_path: Path) -> None:
    """The raw text has all columns of the row."""
    [batch, _] = read_batches(source_of(tmp_path, "a.tsv", b"u\ti\n1\ta\n2\tb\n"), 10)
    assert batch.raw(pa.array([False, True])).to_pylist() == ["2\tb"]


def test_jsonlines_bad_lines_are_set_aside(tmp_path: Path) -> None:
    """Broken JSON and other values than objects; blank lines do not count."""
    source = source_of(tmp_path, "a.jsonl", b'{"u": 1}\n\n{"u"\n[1]\n{"u": "2"}')
    batches = list(read_batches(source, 2, ["u"]))
    assert rows_of(batches) == [(1, {"u": "1"}), (4, {"u": "2"})]
    assert bad_of(batches) == [(2, "not a JSON object", '{"u"'), (3, "not a JSON object", "[1]")]
    assert batches[0].raw(pa.array([True])).to_pylist() == ['{"u": 1}']


def test_jsonlines_values_become_text(tmp_path: Path) -> None:
    """Numbers are written in full, lists of words joined, category paths with >, other nesting stays JSON."""
    row = '{"a": 12345678901234567890, "b": 3.0, "c": true, "d": ["x", "y"], '
    row += '"e": [["p", "q"], ["r"]], "f": {"k": 1}, "g": null}'
    [batch] = read_batches(source_of(tmp_path, "a.jsonl", row.encode()), 10)
    assert batch.table.to_pylist() == [
        {"a": "12345678901234567890", "b": "3", "c": "true", "d": "x, y", "e": "p > q, r", "f": '{"k": 1}', "g": None}
    ]


def test_jsonlines_vectors_stay_vectors(tmp_path: Path) -> None:
    """A list of numbers is a vector; a line without the key has null."""
    [batch] = read_batches(source_of(tmp_path, "a.jsonl", b'{"v": [1, 0.5]}\n{}'), 10)
    assert batch.table["v"].type == pa.list_(pa.float32()) and batch.table["v"].to_pylist() == [[1.0, 0.5], None]


def test_jsonlines_lone_surrogate_is_replaced(tmp_path: Path) -> None:
    """JSON can hold what UTF-8 cannot."""
    [batch] = read_batches(source_of(tmp_path, "a.jsonl", b'{"t": "a\\ud800"}'), 10)
    assert batch.table["t"].to_pylist() == ["a?"]


def test_parquet_reads_only_what_is_needed(tmp_path: Path) -> None:
    """Batches keep to their size over row groups; rows are numbered through."""
    table = pa.table({"u": ["a", "b", "c"], "i": [1, 2, 3], "x": [0, 0, 0]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    batches = list(read_batches(list_sources(str(tmp_path))[0], 1, ["u", "i"], only_required=True))
    assert rows_of(batches) == [(1, {"u": "a", "i": 1}), (2, {"u": "b", "i": 2}), (3, {"u": "c", "i": 3})]
    assert [batch.bytes_read for batch in batches][-1] == (tmp_path / "a.parquet").stat().st_size
    assert batches[1].raw(pa.array([True])).to_pylist() == ['{"u": "b", "i": 2}']


HALF_GZIP = gzip.compress(b"u,i\n" + bytes(str(math.pi) * 5000, "ascii"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a.csv: the file is empty \(0 bytes\)"),
        ("a.csv", b"\n\n", "a.csv: has no header line"),
        ("a.csv", b"u;i\n1;2\n", "column 'u' is missing; the file has u;i. The header looks separated by ';'"),
        ("a.csv", b"u,u\n1,2\n", "column 'u' is there 2 times"),
        ("a.csv", b"u,i\n1,caf\xe9\n", r"a.csv: line 2 is not UTF-8: b'1,caf\\xe9\\n'; allowed is UTF-8. Convert"),
        ("a.csv", "u,i\n1,2\n".encode("utf-16"), "a.csv: cannot be read as csv: it is UTF-16; convert it to UTF-8"),
        (
            "a.csv.gz",
            HALF_GZIP[:-20],
            "a.csv.gz: cannot be read as csv: Truncated compressed stream. Is the file whole",
        ),
        ("a.csv.gz", b"u,i\n1,2\n", "a.csv.gz: cannot be read as csv: .*header"),
        (
            "a.csv.zst",
            pa.compress(b"u,i\n" * 9999, "zstd", asbytes=True)[:-4],
            "a.csv.zst: cannot be read as csv: Trunc",
        ),
        ("a.jsonl.gz", gzip.compress(b'{"u": 1}\n' * 9999)[:-20], "a.jsonl.gz: cannot be read as jsonl: Truncated"),
        ("a.jsonl", b'{"v": 1}\n', "column 'u' is missing; the file has v"),
        ("a.jsonl", b'{"u": "\xe9"}\n', "a.jsonl: line 1 is not UTF-8"),
        ("a.json", b'[{"u": 1}]', "a.json: is a JSON array; allowed is one JSON object a line"),
        ("a.parquet", b"PAR1 nothing PAR1", "a.parquet: cannot be read as parquet"),
    ],
)
def test_files_that_break_their_contract(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """Each stops at once, with a message that says where, what and what to do."""
    with pytest.raises(DataContractError, match=message):
        list(read_batches(source_of(tmp_path, name, content), 10, ["u"]))


def test_missing_parquet_column(tmp_path: Path) -> None:
    """The message lists the columns that are there."""
    pq.write_table(pa.table({"user": ["a"]}), tmp_path / "a.parquet")
    with pytest.raises(DataContractError, match="column 'u' is missing; the file has user"):
        list(read_batches(list_sources(str(tmp_path))[0], 10, ["u"]))


def test_unclosed_quote_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quote that swallows the rest of a file is named as the likely cause."""
    monkeypatch.setattr("sidflow.sources.delimited._BLOCK", 64)
    source = source_of(tmp_path, "a.csv", b'u,i\n1,a\n2,"b\n' + b"3,c\n" * 99)
    with pytest.raises(DataContractError, match=r"a.csv: cannot be parsed after data row \d+: .* never closed"):
        list(read_batches(source, 10))


def test_progress_reaches_the_size_of_the_file(tmp_path: Path) -> None:
    """Bytes read grow to the file's own size, compressed or not."""
    for suffix in ("", ".gz"):
        content = compressed(b"u,i\n" + b"1,2\n" * 1000, suffix)
        reads = [b.bytes_read for b in read_batches(source_of(tmp_path, "a.csv" + suffix, content), 100)]
        assert reads == sorted(reads) and reads[-1] == len(content)
