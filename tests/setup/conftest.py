"""A small shop in files, as its owner would name them."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.factories import World, make_world, write_csv

Shop = Callable[..., tuple[str, str]]


@pytest.fixture(scope="session")
def shop_world() -> World:
    """60 users, 40 items, 400 events."""
    return make_world(users=60, items=40, topics=4, seed=3)


@pytest.fixture
def shop(shop_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Write log and catalogue, changed as wished, into the current folder; gives both names."""
    monkeypatch.chdir(tmp_path)

    def write(log: pa.Table | None = None, items: pa.Table | None = None, ending: str = "csv") -> tuple[str, str]:
        names = (f"log.{ending}", f"items.{ending}")
        tables = (log or shop_world.interactions, items or shop_world.items)
        for name, table in zip(names, tables, strict=True):
            if ending == "csv":
                write_csv(table, tmp_path / name)
            else:
                pq.write_table(table, tmp_path / name)
        return names

    return write
