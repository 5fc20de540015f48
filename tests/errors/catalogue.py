"""Item files that do not make a catalogue, and catalogues that do not fit the settings."""

from pathlib import Path

import pyarrow as pa

from tests.errors.case import Case
from tests.errors.spoil import ITEMS, add, change, column, nothing, parquet

PARQUET = ("catalogue.path=FOLDER/items.parquet",)


def pictures(table: pa.Table) -> pa.Table:
    """A column of bytes that are no text."""
    return table.append_column("picture", pa.array([b"\xff\xd8\xff"] * table.num_rows, pa.binary()))


def two_kinds(folder: Path) -> None:
    """A column that is a vector in one file and text in another."""
    (folder / "items").mkdir()
    (folder / "items" / "a.jsonl").write_text('{"item_id": "a", "title": "a", "look": [0.5, 1.0]}\n')
    (folder / "items" / "b.jsonl").write_text('{"item_id": "b", "title": "b", "look": "round"}\n')


CATALOGUE = (
    Case(
        "missing catalogue column",
        "The mapped title is not there.",
        nothing,
        2,
        settings=("catalogue.columns.title=titel",),
    ),
    Case(
        "duplicate item ids",
        "The first sound row of an id counts; later ones are rejected.",
        add(ITEMS, "i00001,another title,brand,store"),
        0,
        until="catalogue",
    ),
    Case(
        "items without text",
        "An item with no title and no other text has nothing to embed.",
        add(ITEMS, "i90001,,,", "i90002, , ,"),
        0,
        until="catalogue",
    ),
    Case("items without id", "A row without an id.", add(ITEMS, ",a title,brand,store"), 0, until="catalogue"),
    Case(
        "availability that is no truth value",
        "`catalogue.columns.available` must be true/false, t/f, yes/no, y/n, 1/0 or blank.",
        change(ITEMS, lambda raw: raw.replace(b'"brand"', b'"stock"').replace(b'"brand 1"', b'"yes"')),
        3,
        settings=("catalogue.columns.available=stock",),
    ),
    Case(
        "catalogue of one item",
        "The gate asks for two items or more.",
        change(ITEMS, lambda raw: b"".join(raw.splitlines(keepends=True)[:2])),
        3,
    ),
    Case(
        "column of two kinds",
        "A column is a vector in one file and text in another.",
        two_kinds,
        2,
        settings=("catalogue.path=FOLDER/items",),
    ),
    Case(
        "column of bytes",
        "A column that is neither text nor numbers is left out.",
        parquet(ITEMS, "items.parquet", pictures),
        0,
        settings=PARQUET,
        until="catalogue",
    ),
    Case(
        "titles of bytes",
        "The title is not UTF-8.",
        parquet(ITEMS, "items.parquet", column("title", lambda titles: [b"caf\xe9"] * len(titles))),
        2,
        settings=PARQUET,
    ),
    Case(
        "template names an unknown column",
        "`embedding.template` asks for a column that the catalogue lacks.",
        nothing,
        2,
        settings=("embedding.template='{title}. {brnad}'",),
        until="embeddings",
    ),
    Case(
        "vectors that are not there",
        "`embedding.vectors` names a column that the catalogue lacks.",
        nothing,
        2,
        settings=("embedding.vectors=picture",),
        until="embeddings",
    ),
    Case(
        "fewer items than codes",
        "A level cannot have more codes than there are items.",
        nothing,
        2,
        settings=("quantizer.codebooks=[256, 256, 256]",),
        until="quantizer",
    ),
    Case(
        "more items than SIDs",
        "The product of the codebooks is below the number of items.",
        nothing,
        2,
        settings=("quantizer.codebooks=[4, 4]",),
        until="quantizer",
    ),
)
