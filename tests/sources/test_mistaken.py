"""What a file is that is not what its name says."""

import pytest

from sidflow.sources.mistaken import first_fields, header_doubt, listed, other_content, suggestion


@pytest.mark.parametrize(
    ("start", "expected", "found"),
    [
        (b"PK\x03\x04", "csv", "ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1", "csv", "old spreadsheet"),
        (b"\x1f\x8b\x08", "tsv", "add .gz"),
        (b"\x28\xb5\x2f\xfd", "jsonl", "add .zst"),
        (b"BZh9", "csv", "bzip2"),
        (b"PAR1", "csv", "name it .parquet"),
        (b"ARROW1\0\0", "parquet", "Arrow IPC"),
        (b"SQLite format 3\0", "csv", "SQLite"),
        (b"version https://git-lfs.github.com", "parquet", "git lfs pull"),
        (b" \n<!DOCTYPE html>", "csv", "HTML"),
        (b'\xef\xbb\xbf<?xml version="1"?>', "jsonl", "XML"),
        (b'[{"user": 1}]', "csv", "JSON"),
        (b'{"user": 1}\n', "csv", "name it .jsonl"),
        (b"\xff\xfeu\0", "csv", "UTF-16"),
        (b"u\0s\0e\0r\0", "csv", "without a byte order mark"),
        (b"user,item\n1,2\n", "parquet", "text that begins with 'user,item'"),
    ],
)
def test_other_content(start: bytes, expected: str, found: str) -> None:
    """Each is named, with what to do."""
    assert found in (other_content(start, expected) or "")


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"user,item\n", "csv"),
        ("\ufeffbenützer\titem\n".encode(), "tsv"),
        (b'{"user": 1}', "jsonl"),
        (b"PAR1\x15\x04", "parquet"),
        (b"\x00\x01\x02", "parquet"),
        (b"", "csv"),
        (b"user,item\n1,\0\n", "csv"),
        (b"<user>,<item>\n", "csv"),
    ],
)
def test_nothing_to_object(start: bytes, expected: str) -> None:
    """What may be as its name says is left to its reader."""
    assert other_content(start, expected) is None


@pytest.mark.parametrize(
    ("names", "delimiter", "found"),
    [
        (["user;item"], ",", "separated by ';'; allowed is ',': write it with ','"),
        (["user|item"], ",", "separated by '|'"),
        (["user\titem"], ",", "separated by a tab; allowed is ',': name the file .tsv"),
        (["user,item"], "\t", "separated by ','; allowed is a tab: name the file .csv"),
        (["# exported on Monday"], ",", "is a comment"),
        (["sep=", ""], ",", "is a comment"),
        (["u1", "i1", "1600000000"], ",", "looks like data"),
        (["u1", "i1", "2014-07-01T12:00"], ",", "looks like data"),
    ],
)
def test_header_doubt(names: list[str], delimiter: str, found: str) -> None:
    """Another separator, or a row of data, is told by its looks."""
    assert found in (header_doubt(names, delimiter) or "")


@pytest.mark.parametrize("names", [["user", "item"], ["user"], ["user;id", "item"], ["1st", "item"]])
def test_a_header_that_may_be_meant(names: list[str]) -> None:
    """A separator in a name, or a digit, is no reason to doubt."""
    assert header_doubt(names, ",") is None


@pytest.mark.parametrize(
    ("name", "closest"),
    [("user_id", "User ID"), ("item_id", " item-id"), ("timestamp", "Timestamp"), ("titel", "title"), ("price", None)],
)
def test_suggestion(name: str, closest: str | None) -> None:
    """Case, spaces and punctuation count for nothing; what is far away is not proposed."""
    names = ["User ID", " item-id", "Timestamp", "title"]
    assert suggestion(name, names) == (f"Did you mean '{closest}'? " if closest else "")


def test_listed() -> None:
    """Outer blanks are made visible, long lists are cut."""
    assert listed(["a", " b", ""]) == "a, ' b', ''"
    assert listed([]) == "no columns"
    assert listed([f"c{k}" for k in range(25)]).endswith("c19 and 5 more")


def test_first_fields() -> None:
    """Blank lines and a byte order mark are passed over; quotes may span lines."""
    assert first_fields('\ufeff\n\n"a\nb",c\n1,2\n'.encode(), ",") == ["a\nb", "c"]
    assert first_fields(b"\n", ",") is None
