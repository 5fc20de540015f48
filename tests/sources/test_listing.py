"""Which files a path stands for."""

import hashlib
from pathlib import Path

import pytest

from sidflow.errors import DataContractError
from sidflow.sources import list_sources, read_batches


def make(folder: Path, *names: str) -> Path:
    """Files of three bytes."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"abc")
    return folder


def test_one_file(tmp_path: Path) -> None:
    """A file is its own source, with digest, size, format and compression."""
    make(tmp_path, "log.csv.gz")
    [source] = list_sources(str(tmp_path / "log.csv.gz"))
    assert (source.url, source.name, source.bytes) == (str(tmp_path / "log.csv.gz"), "log.csv.gz", 3)
    assert source.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert (source.format, source.compression) == ("csv", "gzip")


def test_folder_is_searched_in_depth_and_sorted(tmp_path: Path) -> None:
    """Markers, hidden files, files of hidden folders and other formats are passed over."""
    make(tmp_path, "b.parquet", "a/z.jsonl.zst", "_SUCCESS", ".x.csv", "_tmp/y.csv", "README.md", "c.TSV")
    assert [each.name for each in list_sources(str(tmp_path))] == ["a/z.jsonl.zst", "b.parquet", "c.TSV"]


def test_folder_with_a_hidden_name_is_read(tmp_path: Path) -> None:
    """Only what lies below the given folder can be hidden."""
    make(tmp_path, "_drop/a.csv")
    assert [each.name for each in list_sources(str(tmp_path / "_drop"))] == ["a.csv"]


def test_glob(tmp_path: Path) -> None:
    """Names start below the part without wildcards."""
    make(tmp_path, "2024/a.csv", "2025/a.csv", "2025/b.json", "other/a.csv")
    assert [each.name for each in list_sources(str(tmp_path / "202*" / "*.csv"))] == ["2024/a.csv", "2025/a.csv"]


def test_names_do_not_depend_on_where_the_folder_lies(tmp_path: Path) -> None:
    """A moved folder has the same names and digests."""
    here, there = make(tmp_path / "here", "x/a.csv"), make(tmp_path / "there", "x/a.csv")
    assert [(e.name, e.sha256) for e in list_sources(str(here))] == [
        (e.name, e.sha256) for e in list_sources(str(there))
    ]


def test_fsspec_url(tmp_path: Path) -> None:
    """Other filesystems keep their protocol in the URL."""
    import fsspec

    with fsspec.open("memory://bucket/a.csv", "wb") as file:
        file.write(b"abc")
    [source] = list_sources("memory://bucket")
    assert (source.url, source.name) == ("memory:///bucket/a.csv", "a.csv")


def test_progress_counts_bytes(tmp_path: Path) -> None:
    """The last report is of all bytes."""
    seen: list[tuple[int, int]] = []
    list_sources(str(make(tmp_path, "a.csv", "b.csv")), lambda *at: seen.append(at))
    assert seen == [(3, 6), (6, 6)]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.csv", "gone.csv: no such file or folder; the folder .* has README.md. Check the path"),
        ("", "is a folder that holds no file to read, but README.md; allowed: Parquet"),
        ("README.md", "README.md: unknown format; allowed: Parquet"),
        ("*.csv", "is a glob that matches no file to read; allowed"),
    ],
)
def test_nothing_to_read(tmp_path: Path, name: str, message: str) -> None:
    """A missing file, an empty folder, an unknown format and an empty glob each say so."""
    make(tmp_path, "README.md")
    with pytest.raises(DataContractError, match=message):
        list_sources(str(tmp_path / name))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied. Give this user the right to read it"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory. It was there a moment ago"),
        (OSError(5, "Input/output error"), "Input/output error. Look after the disk or the network"),
    ],
)
def test_a_file_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, message: str
) -> None:
    """A listed file that does not give its content says what to do, when it is hashed and when it is not."""
    [source] = list_sources(str(make(tmp_path, "a.csv")), hashed=False)

    def refuse(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.open", refuse)
    with pytest.raises(DataContractError, match=f"a.csv: cannot be read: {message}"):
        list_sources(str(tmp_path))
    if isinstance(error, PermissionError | FileNotFoundError):
        monkeypatch.setattr("sidflow.sources.delimited.open_stream", refuse)
        with pytest.raises(DataContractError, match=f"a.csv: cannot be read: {message}"):
            list(read_batches(source, 10))
