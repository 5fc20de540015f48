"""A run after a day's news counts few users and gives what a run from nothing gives."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.artifacts import Store
from tests.conftest import TINY
from tests.factories import FIRST_EVENT_S, make_world, write_csv
from tests.released import release

SETTINGS = ("histories.min_item_events=3", "pairs.incremental=true")


def pairs_of(folder: Path, root: str, *settings: str) -> pa.Table:
    """Run everything into a store of its own; the mined pairs."""
    overrides = [f"store.root={folder / root}", *SETTINGS, *settings]
    made = release(folder, overrides)
    return pq.read_table(Store(str(folder / root)).files(made.artifacts["pairs"])["pairs.parquet"])


def events(rows: list[tuple[str, int]]) -> pa.Table:
    """A user and a second each, all of the item `rare`."""
    users, seconds = zip(*rows, strict=True)
    n = len(rows)
    return pa.table({
        "user_id": users, "item_id": ["rare"] * n, "timestamp": [FIRST_EVENT_S + each for each in seconds],
        "event": ["view"] * n, "weight": [1.0] * n,
    })  # fmt: skip


@pytest.mark.slow
def test_news_that_lets_an_item_into_the_k_core(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One new event; two users have the same events as before, but the item of one of them now counts."""
    (tmp_path / "log").mkdir()
    world = make_world(users=60, items=40, topics=4, seed=3)
    rare = pa.table({"item_id": ["rare"], "title": ["rare one"], "brand": ["b"], "category": ["c"]})
    write_csv(pa.concat_tables([world.items, rare]), tmp_path / "items.csv")
    write_csv(world.interactions, tmp_path / "log" / "1.csv")
    write_csv(events([("u00000", -60), ("u00001", -30)]), tmp_path / "log" / "2.csv")
    text = TINY.format(folder=tmp_path).replace("interactions.csv", "log")
    (tmp_path / "pipeline.yaml").write_text(text)
    before = pairs_of(tmp_path, "kept")
    write_csv(events([("u00002", -10)]), tmp_path / "log" / "3.csv")
    with caplog.at_level("INFO", logger="sidflow.pairs"):
        after = pairs_of(tmp_path, "kept")
    assert "pairs: 3 of 60 histories changed" in caplog.text
    assert after.equals(pairs_of(tmp_path, "fresh", "pairs.incremental=false"))
    assert not after.equals(before)
