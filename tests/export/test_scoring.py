"""Recommendations for everyone: the same as one by one, whatever was done before."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.artifacts import Store
from sidflow.config import CatalogueConfig, load_config
from sidflow.dataset.build import read_dataset
from sidflow.errors import DataContractError
from sidflow.export import scoring
from sidflow.export.destination import Destination
from sidflow.export.scoring import SCHEMA, Scoring, score_users
from sidflow.interactions.tombstones import remember
from sidflow.recommender import load_recommender
from sidflow.release import Release, live_release


class Stopped(Exception):
    """The machine went down."""


@pytest.fixture
def live(own_releases: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, Release]:
    """A store of one's own and its live release; 16 users a shard, 5 a batch."""
    monkeypatch.setattr(scoring, "SHARD_USERS", 16)
    monkeypatch.setattr(scoring, "BATCH_USERS", 5)
    store = Store(str(own_releases / "store"))
    return store, live_release(store)


def score(
    live: tuple[Store, Release],
    folder: Path,
    k: int = 4,
    on_progress: Any = None,
    catalogue: CatalogueConfig | None = None,
) -> pa.Table:
    """Score everyone into a Parquet file and read it."""
    path = folder / "scores.parquet"
    assert (
        score_users(*live, catalogue, Destination.parse(str(path), True), k, on_progress)
        == pq.read_metadata(path).num_rows
    )
    return pq.read_table(path)


def shards(store: Store) -> list[Path]:
    """Finished shards in the cache."""
    return sorted(store.cache_folder("scores").glob("*/*.parquet"))


def stop_after(users: int) -> Any:
    """A callback that stops a run when so many users are done."""

    def on_progress(done: int, total: int) -> None:
        if done > users:
            raise Stopped

    return on_progress


def test_everyone_gets_what_they_get_alone(live: tuple[Store, Release], tmp_path: Path) -> None:
    """Items, titles, SIDs, reasons and scores of `recommend`, users in the order of the histories."""
    found = score(live, tmp_path)
    assert found.schema.equals(SCHEMA)
    recommender = load_recommender(*live)
    users = read_dataset(live[0].files(live[1].artifact("dataset"))).histories.user_ids.to_pylist()
    rows = found.to_pylist()
    place = 0
    for user in users:
        for rank, each in enumerate(recommender.recommend(user, 4), start=1):
            row = rows[place]
            place += 1
            assert row["score"] == pytest.approx(each.score, abs=1e-4)
            assert {name: row[name] for name in row if name != "score"} == {
                "user_id": user,
                "rank": rank,
                "item_id": each.item_id,
                "title": each.title,
                "sid": each.sid,
                "reason": each.reason,
                "release": live[1].id,
            }
    assert place == len(rows)


def test_fewer_items_than_asked_for(live: tuple[Store, Release], tmp_path: Path) -> None:
    """A user gets what is left of the catalogue: all items but the seen."""
    found = score(live, tmp_path, k=100)
    histories = read_dataset(live[0].files(live[1].artifact("dataset"))).histories
    for user, name in enumerate(histories.user_ids.to_pylist()[:10]):
        seen = np.unique(histories.items[slice(*histories.offsets[user : user + 2])])
        mine = found.filter(pa.compute.equal(found["user_id"], name))
        assert len(mine) == 40 - len(seen)
        assert not set(mine["item_id"].to_pylist()) & {f"i{item:05d}" for item in seen}


def test_progress_ends_with_all_users(live: tuple[Store, Release], tmp_path: Path) -> None:
    """It never goes back."""
    told: list[tuple[int, int]] = []
    score(live, tmp_path, on_progress=lambda done, total: told.append((done, total)))
    users = Scoring(*live).users
    assert told == sorted(told)
    assert told[-1] == (users, users)
    assert len(told) > users / 5


def test_a_killed_run_goes_on_where_it_stopped(live: tuple[Store, Release], tmp_path: Path) -> None:
    """Finished shards are read, not scored again; the result is that of a run in one go; the shards go at the end."""
    whole = score(live, tmp_path)
    with pytest.raises(Stopped):
        score(live, tmp_path, on_progress=stop_after(33))
    assert pq.read_table(tmp_path / "scores.parquet").equals(whole)  # the older file stands until the end
    first, second = shards(live[0])
    marked = pq.read_table(first)
    column = marked.schema.get_field_index("title")
    pq.write_table(marked.set_column(column, "title", pa.array(["from the shard"] * len(marked))), first)
    again = score(live, tmp_path)
    assert again["title"].to_pylist()[: len(marked)] == ["from the shard"] * len(marked)
    assert again.drop(["title", "score"]).equals(whole.drop(["title", "score"]))
    np.testing.assert_allclose(again["score"], whole["score"], atol=1e-5)
    assert shards(live[0]) == []
    assert not first.parent.exists() and not second.exists()


def test_a_broken_shard_is_scored_again(live: tuple[Store, Release], tmp_path: Path) -> None:
    """An empty file, as a lost power supply leaves it, is no shard."""
    whole = score(live, tmp_path)
    with pytest.raises(Stopped):
        score(live, tmp_path, on_progress=stop_after(33))
    shards(live[0])[0].write_bytes(b"")
    assert score(live, tmp_path).equals(whole)


def test_shards_belong_to_one_scoring(live: tuple[Store, Release], own_releases: Path, tmp_path: Path) -> None:
    """Another k, and items that became unavailable in between, do not read older shards."""
    with pytest.raises(Stopped):
        score(live, tmp_path, k=4, on_progress=stop_after(33))
    old = shards(live[0])
    with pytest.raises(Stopped):
        score(live, tmp_path, k=5, on_progress=stop_after(33))
    assert len(shards(live[0])) == 2 * len(old)
    counts = score(live, tmp_path)["item_id"].value_counts().to_pylist()
    popular = max(counts, key=lambda each: each["counts"])["values"]
    with pytest.raises(Stopped):
        score(live, tmp_path, k=4, on_progress=stop_after(33))
    lines = (own_releases / "items.csv").read_text().splitlines()
    flags = ["available", *(str(popular not in line).lower() for line in lines[1:])]
    (own_releases / "items.csv").write_text(
        "".join(f"{line},{flag}\n" for line, flag in zip(lines, flags, strict=True))
    )
    now = load_config(own_releases / "pipeline.yaml", ["catalogue.columns.available=available"]).catalogue
    assert popular not in score(live, tmp_path, catalogue=now)["item_id"].to_pylist()


def test_memory_is_bounded(live: tuple[Store, Release], monkeypatch: pytest.MonkeyPatch) -> None:
    """Long lists make smaller shards."""
    monkeypatch.setattr(scoring, "SHARD_USERS", 4_096)
    assert [Scoring(*live, None, k)._shard_users for k in (10, 100, 1_000, 10**6)] == [4_096, 4_000, 400, 1]


def test_k_below_one_is_refused(live: tuple[Store, Release], tmp_path: Path) -> None:
    """Before a file is begun."""
    with pytest.raises(DataContractError, match="k=0; allowed is 1 or more"):
        score(live, tmp_path, k=0)
    assert not list(tmp_path.glob("*scores*"))


def test_forgotten_users_get_nothing(live: tuple[Store, Release], tmp_path: Path) -> None:
    """Neither from the model nor from shards that were scored before they were forgotten."""
    whole = score(live, tmp_path)

    def stop(done: int, total: int) -> None:
        if done == 48:
            remember(live[0], ["u00003"])  # forgotten, and killed before the cache was emptied
            raise Stopped

    with pytest.raises(Stopped):
        score(live, tmp_path, on_progress=stop)
    assert shards(live[0])
    after = score(live, tmp_path)
    assert after.column("item_id").to_pylist() == [
        each["item_id"] for each in whole.to_pylist() if each["user_id"] != "u00003"
    ]
    assert "u00003" not in after["user_id"].to_pylist()
    assert json.loads(after.schema.metadata[b"sidflow"])["users"] == 59
