"""What a file is that is not what its name says, and a header that is none: said in words that help."""

import csv
import difflib
import io
import re
from collections.abc import Sequence

_SIGNATURES = (
    (b"PK\x03\x04", "a ZIP archive, as spreadsheets (.xlsx) are; save it as CSV or Parquet"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls); save it as CSV or Parquet"),
    (b"\x1f\x8b", "compressed with gzip; add .gz to its name"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard; add .zst to its name"),
    (b"BZh", "compressed with bzip2; unpack it, or compress it with gzip or Zstandard"),
    (b"\xfd7zXZ", "compressed with xz; unpack it, or compress it with gzip or Zstandard"),
    (b"PAR1", "Parquet; name it .parquet"),
    (b"ARROW1", "Arrow IPC (Feather); write it as Parquet"),
    (b"SQLite format 3", "an SQLite database; export the table as CSV or Parquet"),
    (b"version https://git-lfs", "a Git LFS pointer, its content is elsewhere; fetch it with: git lfs pull"),
)
_SEPARATORS = {";": "CSV", "|": "CSV", "\t": "TSV", ",": "CSV"}
_DATA = re.compile(r"\s*(-?\d+([.,]\d+)?([eE][+-]?\d+)?|\d{4}-\d\d-\d\d.*)\s*")
_LISTED = 20


def other_content(start: bytes, expected: str) -> str | None:
    """What a file that should be `expected` is by its first bytes, with what to do; None if it may be that.

    Args:
        start: The first bytes, decompressed if the file's name says that it is compressed.
        expected: csv, tsv, jsonl or parquet.
    """
    if expected != "parquet" and start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16; convert it to UTF-8: iconv -f UTF-16 -t UTF-8"
    for signature, found in _SIGNATURES:
        if start.startswith(signature) and not (expected == "parquet" and signature == b"PAR1"):
            return found
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:5].lower() in (b"<!doc", b"<html", b"<?xml"):
        return "HTML or XML, perhaps the error page of a download; look into it and fetch it again"
    if expected in ("csv", "tsv") and re.match(rb'[\[\s]*\{\s*"', text):
        return "JSON; write one object a line and name it .jsonl"
    first = start.partition(b"\n")[0][:40]
    if expected == "parquet" and first.isascii() and first.decode().isprintable() and not start.startswith(b"PAR1"):
        return f"text that begins with {first.decode()!r}; name the file after its format, such as .csv"
    if expected != "parquet" and b"\0" in start.partition(b"\n")[0]:
        return "binary, or UTF-16 without a byte order mark; allowed is UTF-8 text"
    return None


def header_doubt(names: Sequence[str], delimiter: str) -> str | None:
    """A sentence on why the first line of a delimited file may not be the header that was meant; None if it may."""
    line = delimiter.join(names)
    if line.startswith("#") or line.lower().startswith("sep="):
        return "The first line is a comment: remove it, so that the column names come first."
    for other, kind in _SEPARATORS.items():
        if len(names) == 1 and other != delimiter and other in line:
            fix = "name the file .tsv" if kind == "TSV" else f"write it with {_spelled(delimiter)}"
            if other == ",":
                fix = "name the file .csv"
            return f"The header looks separated by {_spelled(other)}; allowed is {_spelled(delimiter)}: {fix}."
    if any(_DATA.fullmatch(name) for name in names):
        return "The first line looks like data: put a line of column names before it."
    return None


def suggestion(name: str, names: Sequence[str]) -> str:
    """`Did you mean 'User ID'? `, or nothing, for a column that is not among `names`."""
    plain = {_plain(each): each for each in reversed(names)}
    close = difflib.get_close_matches(_plain(name), list(plain), n=1, cutoff=0.6)
    return f"Did you mean '{plain[close[0]]}'? " if close else ""


def listed(names: Sequence[str]) -> str:
    """Column names for a message, the first twenty."""
    shown = ", ".join(each if each == each.strip() and each else repr(each) for each in names[:_LISTED])
    return (shown + (f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else "")) or "no columns"


def first_fields(start: bytes, delimiter: str) -> list[str] | None:
    """The fields of the first line that is not blank; None without one."""
    text = io.StringIO(start.decode("utf-8-sig", errors="replace"), newline="")
    return next((fields for fields in csv.reader(text, delimiter=delimiter) if fields), None)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _spelled(delimiter: str) -> str:
    return "a tab" if delimiter == "\t" else f"'{delimiter}'"
