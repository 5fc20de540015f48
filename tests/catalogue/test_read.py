"""The catalogue: items, rejects, and what exists at a logical time."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.catalogue import (
    ItemsRead,
    existing_items,
    learned_columns,
    read_catalogue_table,
    read_items,
    write_catalogue,
)
from sidflow.catalogue.content import content_digest
from sidflow.catalogue.read import catalogue_facts
from sidflow.config import CatalogueConfig
from sidflow.errors import DataContractError
from tests.factories import make_world, write_csv, write_parquet

S = 1_000_000
LATE = 4_000_000_000 * S


def read(path: Path, first_seen: pa.Table | None = None, as_of_us: int = LATE, **config: Any) -> ItemsRead:
    """Read with a configuration, as of a logical time."""
    items = read_items(str(path), CatalogueConfig(**config))
    table, not_yet = existing_items(items.table, first_seen, as_of_us)
    return ItemsRead(table, items.rejects, {**items.facts, **catalogue_facts(table, not_yet)})


def csv(folder: Path, content: str, name: str = "items.csv") -> Path:
    """A CSV file."""
    (folder / name).write_text(content)
    return folder / name


def seen_at(**seconds: int) -> pa.Table:
    """First interactions."""
    times = pa.array([each * S for each in seconds.values()], pa.timestamp("us", "UTC"))
    return pa.table({"item_id": pa.array(list(seconds), pa.string()), "first_timestamp": times})


def test_items_are_sorted_by_the_bytes_of_their_ids(tmp_path: Path) -> None:
    """Row numbers are indices everywhere, so the order is part of the contract; ids keep leading zeros."""
    table = read(csv(tmp_path, "item_id,title\né,e\nb,t\nB,t\n010,t\n9,t\n")).table
    assert table["item_id"].to_pylist() == ["010", "9", "B", "b", "é"]
    assert table["title"].to_pylist() == ["t", "t", "t", "t", "e"]


def test_columns_and_types(tmp_path: Path) -> None:
    """The catalogue's own columns come first, others follow in their order, as text."""
    table = read(
        csv(tmp_path, "year,asin,name,brand\n1995,a,Toy,\n", "x.csv"), columns={"item": "asin", "title": "name"}
    ).table
    assert table.to_pylist() == [
        {"item_id": "a", "title": "Toy", "available_from": None, "available": True, "year": "1995", "brand": ""}
    ]
    assert str(table.schema.field("available_from").type) == "timestamp[us, tz=UTC]"


def test_every_format_gives_the_same_table(tmp_path: Path) -> None:
    """CSV, Parquet and JSON Lines of one world are one catalogue."""
    items = make_world().items
    paths = [write_csv(items, tmp_path / "a.csv"), write_parquet(items, tmp_path / "a.parquet"), tmp_path / "a.jsonl"]
    paths[2].write_text("".join(json.dumps(row) + "\n" for row in items.to_pylist()))
    tables = [read(path).table for path in paths]
    assert tables[0].num_rows == items.num_rows
    assert tables[1].equals(tables[0]) and tables[2].equals(tables[0])


def test_rejects(tmp_path: Path) -> None:
    """Each broken row is set aside with its reason and text; the first row of an id counts."""
    content = "item_id,title,brand\na,A,\n,B,\nb,,\nc,,Acme\na,again,\nd\n"
    got = read(csv(tmp_path, content))
    assert got.table["item_id"].to_pylist() == ["a", "c"] and got.table["title"].to_pylist() == ["A", ""]
    assert sorted((each["row"], each["reason"], each["raw"]) for each in got.rejects.to_pylist()) == [
        (2, "item id missing", ",B,"),
        (3, "no title and no other text", "b,,"),
        (5, "duplicate item id", "a,again,"),
        (6, "too few fields", "d"),
    ]
    assert got.facts["source_rows"] == 6 and got.facts["items"] == 2 and got.facts["empty_titles"] == 1
    assert got.facts["rejects"] == {
        "duplicate item id": 1, "item id missing": 1, "no title and no other text": 1, "too few fields": 1,
    }  # fmt: skip


def test_sound_row_after_a_broken_one_of_the_same_id_counts(tmp_path: Path) -> None:
    """An empty row does not take an id away from a full one."""
    got = read(csv(tmp_path, "item_id,title\na,\na,A\n"))
    assert got.table["title"].to_pylist() == ["A"]
    assert got.rejects["reason"].to_pylist() == ["no title and no other text"]


def test_duplicates_over_files_and_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first file by name wins, however few rows are read at a time."""
    monkeypatch.setattr("sidflow.catalogue.items._BATCH_ROWS", 1)
    csv(tmp_path, "item_id,title\nb,second\n", "2.csv")
    csv(tmp_path, "item_id,title\na,A\nb,first\na,AA\n", "1.csv")
    got = read(tmp_path)
    assert got.table["title"].to_pylist() == ["A", "first"]
    assert [(each["file"], each["row"]) for each in got.rejects.to_pylist()] == [("1.csv", 3), ("2.csv", 1)]


def test_own_names_are_reserved(tmp_path: Path) -> None:
    """A column called item_id that is not the id is kept under another name, and so is one that has that name."""
    content = "asin,title,item_id,source_item_id,available\na,A,1,2,3\n"
    got = read(csv(tmp_path, content), columns={"item": "asin"})
    [row] = got.table.to_pylist()
    assert row["item_id"] == "a" and row["available"] is True
    assert (row["source_source_item_id"], row["source_item_id"], row["source_available"]) == ("1", "2", "3")
    assert got.facts["renamed"] == {"item_id": "source_source_item_id", "available": "source_available"}


def test_columns_that_share_a_name(tmp_path: Path) -> None:
    """The first counts; a role must not be shared."""
    assert read(csv(tmp_path, "item_id,title,x,x\na,A,1,2\n")).table["x"].to_pylist() == ["1"]
    with pytest.raises(DataContractError, match="column 'title' is there 2 times"):
        read(csv(tmp_path, "item_id,title,title\na,A,B\n"))


def test_empty_optional_columns(tmp_path: Path) -> None:
    """A column without any value is empty text, whatever type its file gives it."""
    table = pa.table({"item_id": ["a"], "title": ["A"], "brand": pa.nulls(1), "price": pa.array([None], pa.float64())})
    row = read(write_parquet(table, tmp_path / "a.parquet")).table.to_pylist()[0]
    assert row["brand"] == "" and row["price"] == ""


def test_vectors_are_kept_and_lists_joined(tmp_path: Path) -> None:
    """Vectors of any list type become list<float>; lists of words become text; a missing vector is null."""
    columns = {
        "item_id": ["a", "b"],
        "title": ["", "B"],
        "image": pa.array([[1.0, 0.5], None], pa.list_(pa.float64(), 2)),
        "tags": [["x", "y"], None],
        "path": [[["Beauty", "Face"]], []],
    }
    got = read(write_parquet(pa.table(columns), tmp_path / "a.parquet")).table
    assert got["image"].type == pa.list_(pa.float32()) and got["image"].to_pylist() == [[1.0, 0.5], None]
    assert got["tags"].to_pylist() == ["x, y", ""] and got["path"].to_pylist() == ["Beauty > Face", ""]


def test_files_with_different_columns(tmp_path: Path) -> None:
    """What a file lacks is empty there."""
    csv(tmp_path, "item_id,title,brand\na,A,Acme\n", "1.csv")
    (tmp_path / "2.jsonl").write_text('{"item_id": "b", "title": "B", "image": [0.5, 1]}\n')
    rows = read(tmp_path).table.select(["brand", "image"]).to_pylist()
    assert rows == [{"brand": "Acme", "image": None}, {"brand": "", "image": [0.5, 1.0]}]


def test_column_that_is_vector_here_and_text_there(tmp_path: Path) -> None:
    """There is no common kind, and the message says so."""
    csv(tmp_path, "item_id,title,image\na,A,x\n", "1.csv")
    (tmp_path / "2.jsonl").write_text('{"item_id": "b", "title": "B", "image": [0.5, 1]}\n')
    with pytest.raises(DataContractError, match=r"a column is a vector in one file and text in another: .*image"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "available"),
    [
        *[(text, True) for text in ("true", "T", "yes", " Y ", "1", "1.0", "")],
        *[(text, False) for text in ("False", "f", "No", "N", "0", "0.0")],
    ],
)
def test_available(tmp_path: Path, text: str, available: bool) -> None:
    """Whether an item may be recommended; blank means yes."""
    got = read(csv(tmp_path, f"item_id,title,ok\na,A,{text}\n"), columns={"available": "ok"})
    assert got.table["available"].to_pylist() == [available]
    assert got.facts["unavailable"] == (not available)


def test_available_of_parquet_booleans(tmp_path: Path) -> None:
    """Booleans are what they are."""
    table = pa.table({"item_id": ["a", "b"], "title": ["A", "B"], "available": [False, None]})
    got = read(write_parquet(table, tmp_path / "a.parquet"), columns={"available": "available"})
    assert got.table["available"].to_pylist() == [False, True]


def test_bad_flag_and_bad_time_are_rejected(tmp_path: Path) -> None:
    """What cannot be read is not guessed."""
    content = "item_id,title,ok,since\na,A,maybe,\nb,B,1,soon\nc,C,1,2020-01-01\n"
    got = read(csv(tmp_path, content), columns={"available": "ok", "available_from": "since"})
    assert got.table["item_id"].to_pylist() == ["c"]
    assert got.rejects["reason"].to_pylist() == [
        "available is neither true nor false",
        "available_from: timestamp unparseable",
    ]


def test_available_from_is_exclusive(tmp_path: Path) -> None:
    """An item exists from its time on: at as_of itself it does not yet; without a time it always does."""
    path = csv(tmp_path, "item_id,title,since\na,A,2020-01-01\nb,B,2020-01-02\nc,C,\n")
    got = read(path, as_of_us=1_577_923_200 * S, columns={"available_from": "since"})
    assert got.table["item_id"].to_pylist() == ["a", "c"]
    assert got.facts["not_yet"] == {"available later": 1, "no interaction yet": 0}


def test_items_appear_with_their_first_interaction(tmp_path: Path) -> None:
    """An interaction at or after as_of does not count; a stated time goes before interactions."""
    path = csv(tmp_path, "item_id,title,since\na,A,\nb,B,\nc,C,\nd,D,1970-01-01\ne,E,2050-01-01\n")
    got = read(path, seen_at(a=9, b=10, e=1), 10 * S, columns={"available_from": "since"})
    assert got.table["item_id"].to_pylist() == ["a", "d"]
    assert got.facts["not_yet"] == {"available later": 1, "no interaction yet": 2}


def test_what_learning_reads(tmp_path: Path) -> None:
    """Neither the flag nor the order of rows and columns counts; every other value does."""
    one = read(csv(tmp_path, "item_id,title,year,ok,brand\na,A,1,1,x\nb,B,2,1,y\n"), columns={"available": "ok"})
    two = read(csv(tmp_path, "brand,item_id,ok,title,year\ny,b,0,B,2\nx,a,1,A,1\n"), columns={"available": "ok"})
    three = read(csv(tmp_path, "brand,item_id,ok,title,year\ny,b,0,B,2\nx,a,1,A,3\n"), columns={"available": "ok"})
    digests = [content_digest(learned_columns(each.table)) for each in (one, two, three)]
    assert digests[0] == digests[1] != digests[2]
    assert learned_columns(one.table).column_names == ["item_id", "title", "available_from", "brand", "year"]


def test_missing_title_column(tmp_path: Path) -> None:
    """The message lists what is there."""
    with pytest.raises(DataContractError, match="column 'title' is missing; the file has item_id, name"):
        read(csv(tmp_path, "item_id,name\na,A\n"))


def test_write_and_read_back(tmp_path: Path) -> None:
    """The folder reads as one table, and the artifact's file gives it back."""
    table = read(csv(tmp_path, "item_id,title\nb,B\na,A\n")).table
    (tmp_path / "data").mkdir()
    write_catalogue(table, tmp_path / "data")
    assert pq.read_table(tmp_path / "data").equals(table)
    assert read_catalogue_table({"catalogue.parquet": tmp_path / "data" / "catalogue.parquet"}).equals(table)


def test_no_items_is_an_empty_table(tmp_path: Path) -> None:
    """A header alone gives no items; the gate says the rest."""
    got = read(csv(tmp_path, "item_id,title,brand\n"))
    assert got.table.num_rows == 0 and got.facts["items"] == 0 and got.facts["unavailable"] == 0


def test_progress_ends_at_the_size_of_all_files(tmp_path: Path) -> None:
    """Bytes of all files."""
    csv(tmp_path, "item_id,title\na,A\n", "1.csv")
    csv(tmp_path, "item_id,title\nb,B\n", "2.csv")
    seen: list[tuple[int, int]] = []
    read_items(str(tmp_path), CatalogueConfig(), lambda *at: seen.append(at))
    assert seen[-1] == (36, 36)
