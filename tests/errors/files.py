"""Files that cannot be read as what they are meant to be."""

import gzip
import io
import zipfile
from pathlib import Path

from tests.errors.case import Case
from tests.errors.spoil import LOG, add, both, change, nothing, parquet, remove, replace, write

HEADER = b'"user_id","item_id","timestamp","event","weight"\n'


def spreadsheet() -> bytes:
    """A workbook is a ZIP archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


def folder_of_logs(folder: Path) -> None:
    """Two files, the second without the column of the item."""
    (folder / "log").mkdir()
    (folder / "log" / "a.csv").write_bytes((folder / LOG).read_bytes())
    (folder / "log" / "b.csv").write_text("user_id,sku,timestamp\nu1,i1,1600000000\n")


def cut_parquet(folder: Path) -> None:
    """A Parquet file without its last bytes, where its footer is."""
    parquet(LOG, "log.parquet", lambda table: table)(folder)
    change("log.parquet", lambda content: content[:-100])(folder)


LISTING = (
    Case("missing file", "The file of `interactions.path` is not there.", remove(LOG), 2),
    Case(
        "mistyped file name",
        "The name is close to one that is there.",
        nothing,
        2,
        settings=("interactions.path=FOLDER/interaction.csv",),
    ),
    Case(
        "missing folder",
        "Not even the folder is there.",
        nothing,
        2,
        settings=("interactions.path=FOLDER/2014/events.csv",),
    ),
    Case(
        "folder of zero files",
        "The path is a folder without a file.",
        lambda folder: (folder / "log").mkdir(),
        2,
        settings=("interactions.path=FOLDER/log",),
    ),
    Case(
        "folder of other files",
        "The folder holds files of other formats.",
        write("log/README.txt", "hello"),
        2,
        settings=("interactions.path=FOLDER/log",),
    ),
    Case(
        "glob without a match",
        "No file matches the glob.",
        nothing,
        2,
        settings=("interactions.path=FOLDER/2014-*.csv",),
    ),
    Case(
        "unknown format",
        "The name's ending is not one of a format that is read.",
        write("log.xlsx", spreadsheet()),
        2,
        settings=("interactions.path=FOLDER/log.xlsx",),
    ),
    Case(
        "folder called like a file",
        "What is called `items.csv` is a folder.",
        both(remove("items.csv"), lambda folder: (folder / "items.csv").mkdir()),
        2,
    ),
    Case(
        "dangling link",
        "The file is a symbolic link to one that was moved.",
        both(remove(LOG), lambda folder: (folder / LOG).symlink_to(folder / "gone.csv")),
        2,
    ),
    Case(
        "unknown protocol",
        "The URL's protocol is not one that fsspec knows.",
        nothing,
        2,
        settings=("interactions.path=warehouse://events/2014",),
    ),
    Case(
        "unreachable URL",
        "Nothing answers at the address.",
        nothing,
        2,
        settings=("interactions.path=ftp://127.0.0.1:9/events.csv",),
    ),
)

CONTENT = (
    Case("empty file", "A file of zero bytes.", write(LOG, b""), 2),
    Case("blank lines alone", "A file of nothing but line breaks.", write(LOG, b"\n\n"), 2),
    Case("header alone", "A header, and not one row.", write(LOG, HEADER), 2),
    Case(
        "missing column", "The mapped column is not there.", nothing, 2, settings=("interactions.columns.user=shopper",)
    ),
    Case(
        "column in other spelling", "The header has spaces, or other case.", replace(LOG, '"user_id"', '"User ID "'), 2
    ),
    Case(
        "missing column in the second file",
        "One file of a folder lacks the column.",
        folder_of_logs,
        2,
        settings=("interactions.path=FOLDER/log",),
    ),
    Case("duplicate column name", "A mapped name is there twice.", replace(LOG, '"event"', '"item_id"'), 2),
    Case("semicolons", "CSV as European spreadsheets write it.", change(LOG, lambda raw: raw.replace(b",", b";")), 2),
    Case("tabs in a .csv", "TSV under the name of CSV.", change(LOG, lambda raw: raw.replace(b",", b"\t")), 2),
    Case("comment before the header", "The first line is a comment.", change(LOG, lambda raw: b"# June\n" + raw), 2),
    Case("no header", "The first line is a row.", change(LOG, lambda raw: raw.removeprefix(HEADER)), 2),
    Case("spreadsheet called .csv", "An .xlsx file that was renamed.", write(LOG, spreadsheet()), 2),
    Case("gzip without .gz", "The file is compressed, its name does not say so.", change(LOG, gzip.compress), 2),
    Case(
        "truncated gzip",
        "A download or copy that stopped half-way.",
        both(lambda folder: (folder / "log.csv.gz").write_bytes(gzip.compress((folder / LOG).read_bytes())[:-200])),
        2,
        settings=("interactions.path=FOLDER/log.csv.gz",),
    ),
    Case(
        "truncated Parquet",
        "A Parquet file without its footer.",
        cut_parquet,
        2,
        settings=("interactions.path=FOLDER/log.parquet",),
    ),
    Case(
        "CSV called .parquet",
        "The name says Parquet.",
        lambda folder: (folder / LOG).rename(folder / "log.parquet"),
        2,
        settings=("interactions.path=FOLDER/log.parquet",),
    ),
    Case(
        "CSV called .jsonl",
        "The name says JSON Lines.",
        lambda folder: (folder / LOG).rename(folder / "log.jsonl"),
        2,
        settings=("interactions.path=FOLDER/log.jsonl",),
    ),
    Case(
        "JSON array",
        "One array of objects, where one object a line is read.",
        write("log.json", '[{"user_id": "u1", "item_id": "i1", "timestamp": 1600000000}]'),
        2,
        settings=("interactions.path=FOLDER/log.json",),
    ),
    Case("error page", "A download that saved an error page.", write(LOG, "<!DOCTYPE html>\n<html>denied</html>\n"), 2),
    Case(
        "Git LFS pointer",
        "A clone without the large files.",
        write(LOG, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        2,
    ),
    Case("bad encoding", "A row in Latin-1.", change(LOG, lambda raw: raw + b"u1,caf\xe9,1600000000,view,1\n"), 2),
    Case(
        "bad encoding in the header",
        "A header in Latin-1.",
        change(LOG, lambda raw: raw.replace(b'"event"', b'"\xe9v\xe9nement"')),
        2,
    ),
    Case(
        "UTF-16",
        "A text file as some Windows programs save it.",
        change(LOG, lambda raw: raw.decode().encode("utf-16")),
        2,
    ),
    Case(
        "unclosed quote",
        "A quote that is never closed swallows the rest of the file.",
        change(LOG, lambda raw: raw + b'u1,"i1,1600000000,view,1\n' + b"u1,i1,1600000000,view,1\n" * 400_000),
        2,
    ),
    Case(
        "byte order mark",
        "A UTF-8 file that begins with one, as Excel writes it: it is no part of a name.",
        change(LOG, lambda raw: b"\xef\xbb\xbf" + raw),
        0,
        until="interactions",
    ),
    Case(
        "CRLF and quoted line breaks",
        "Windows line ends, and a value with a line break in quotes.",
        both(
            add(LOG, 'u1,i00001,1600000000,"a ""view""\nof two lines",1'),
            change(LOG, lambda raw: raw.replace(b"\n", b"\r\n")),
        ),
        0,
        until="interactions",
    ),
)
