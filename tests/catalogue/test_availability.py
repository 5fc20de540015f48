"""Flags as files say them now, and the mask they make."""

from pathlib import Path

import pyarrow as pa
import pytest

from sidflow.catalogue.availability import (
    availability_of,
    mask_items,
    read_availability,
    read_flags,
    write_availability,
)
from sidflow.config.inputs import CatalogueColumns
from sidflow.errors import DataContractError
from sidflow.schemas import AVAILABILITY
from sidflow.sources import list_sources
from tests.factories import write_parquet


def table(**flags: bool) -> pa.Table:
    """Flags by item."""
    return pa.table({"item_id": list(flags), "available": list(flags.values())}, schema=AVAILABILITY)


def flags_of(folder: Path, available: str | None = "ok") -> dict[str, bool]:
    """What the files of a folder say."""
    read = read_flags(list_sources(str(folder)), CatalogueColumns(available=available))
    return dict(zip(read["item_id"].to_pylist(), read["available"].to_pylist(), strict=True))


def test_flags_of_files(tmp_path: Path) -> None:
    """The first row of an id that can be read counts; a flag that cannot is no row, and blank ids are none."""
    (tmp_path / "1.csv").write_text("item_id,title,ok\na,A,no\nb,B,\nc,C,perhaps\n,D,yes\na,A,yes\nd,D,0\n")
    (tmp_path / "2.jsonl").write_text('{"item_id": "e", "ok": true}\n{"item_id": "c", "ok": false}\n')
    assert flags_of(tmp_path) == {"a": False, "b": True, "d": False, "e": True, "c": False}


def test_without_a_column_every_item_that_is_there_is_available(tmp_path: Path) -> None:
    """Only ids are read; of Parquet no other column, whatever it holds."""
    write_parquet(pa.table({"item_id": [1, 2], "title": ["A", None]}), tmp_path / "a.parquet")
    assert flags_of(tmp_path, available=None) == {"1": True, "2": True}


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """As in a run."""
    (tmp_path / "1.csv").write_text("item_id,title\na,A\n")
    with pytest.raises(DataContractError, match="column 'ok' is missing"):
        flags_of(tmp_path)


def test_mask() -> None:
    """Marked or gone is out; returned is in; the order is that of the items."""
    items = pa.array(["a", "b", "c", "d"])
    now = table(d=True, b=False, c=True, x=False)
    assert mask_items(items, table(a=True, b=True, c=False, d=True), now).tolist() == [False, False, True, True]


def test_mask_of_another_catalogue() -> None:
    """Most items gone: they are as the release knew them."""
    items = pa.array(["a", "b", "c", "d"])
    got = mask_items(items, table(a=True, b=False, c=True, d=True), table(d=False))
    assert got.tolist() == [True, False, True, False]


def test_availability_of_a_catalogue(tmp_path: Path) -> None:
    """In its order; an item that the files lack is not available; it is read as it was written."""
    made = availability_of(table(b=True, a=False, x=True), pa.array(["a", "b", "c"]))
    assert made["available"].to_pylist() == [False, True, False]
    write_availability(made, tmp_path)
    assert read_availability({"availability.parquet": tmp_path / "availability.parquet"}).equals(made)
