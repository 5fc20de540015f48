"""Withdrawal without a retrain: at once when serving, and by a run that makes nothing else."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from flows.refresh import run_stages
from flows.steps import Steps
from sidflow.artifacts import Store
from sidflow.availability import live_availability
from sidflow.config import CatalogueConfig, load_config
from sidflow.errors import ShapeError
from sidflow.recommender import Recommender, load_recommender
from sidflow.release import Release, live_release
from tests.released import release

OK = ["catalogue.columns.available=ok", "refresh.force=full"]
Rows = list[dict[str, str]]


def edit(folder: Path, change: Callable[[Rows], Rows]) -> CatalogueConfig:
    """Rewrite the item file; returns where it is, with a column of availability."""
    path = folder / "items.csv"
    with path.open() as file:
        rows = change(list(csv.DictReader(file)))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return load_config(folder / "pipeline.yaml", OK).catalogue


def flagged(*items: str) -> Callable[[Rows], Rows]:
    """Marks these items as unavailable, all others as available."""
    return lambda rows: [{**row, "ok": "no" if row["item_id"] in items else "yes"} for row in rows]


def stored(folder: Path) -> tuple[Store, Release]:
    """A folder's store and what is live there."""
    store = Store(str(folder / "store"))
    return store, live_release(store)


def listed(serving: Recommender, user: str = "u00003") -> set[str]:
    """All that is recommended."""
    return {each.item_id for each in serving.recommend(user, 40, exclude_seen=False)}


def test_an_item_that_is_marked_vanishes_at_once(own_releases: Path) -> None:
    """From a user's list and from the popular ones; nothing else changes."""
    store, live = stored(own_releases)
    before = listed(load_recommender(store, live))
    serving = load_recommender(store, live, edit(own_releases, flagged("i00003", "i00007")))
    for user in ("u00003", "nobody"):
        assert before - listed(serving, user) == {"i00003", "i00007"}


def test_an_item_that_is_gone_vanishes(own_releases: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its row need not be marked; and the log counts."""
    store, live = stored(own_releases)
    config = edit(own_releases, lambda rows: rows[3:])
    with caplog.at_level("INFO"):
        serving = load_recommender(store, live, config.model_copy(update={"columns": CatalogueConfig().columns}))
    assert len(listed(serving)) == 37
    assert "3 items were withdrawn since the release." in caplog.text


def test_an_item_may_come_back(own_releases: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What the release knew as unavailable counts no more when the file says otherwise."""
    edit(own_releases, flagged("i00003"))
    made = release(own_releases, OK)
    config = edit(own_releases, flagged())
    store = Store(str(own_releases / "store"))
    assert len(listed(load_recommender(store, made))) == 39
    with caplog.at_level("INFO"):
        assert len(listed(load_recommender(store, made, config))) == 40
    assert "1 item was made available again since the release." in caplog.text


def test_an_unchanged_file_is_not_read_again(own_releases: Path) -> None:
    """Its digest says enough: a flag in a row that the run has rejected, which a reader of flags alone believes."""
    store = Store(str(own_releases / "store"))
    blank = {"item_id": "i00003", "title": "", "brand": "", "category": "", "ok": "no"}
    config = edit(own_releases, lambda rows: [blank, *flagged("i00005")(rows)])
    made = release(own_releases, OK)
    assert "i00003" in listed(load_recommender(store, made, config))
    (own_releases / "items.csv").write_text((own_releases / "items.csv").read_text() + "\n")
    assert "i00003" not in listed(load_recommender(store, made, config))


def test_a_file_that_cannot_be_read_is_no_obstacle(own_releases: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A serving machine may lack it: the release's own availability counts, with a warning."""
    edit(own_releases, flagged("i00003"))
    made = release(own_releases, OK)
    store = Store(str(own_releases / "store"))
    for path in ("nowhere.csv", str(own_releases / "pipeline.yaml")):
        with caplog.at_level("WARNING"):
            serving = load_recommender(store, made, CatalogueConfig(path=path))
        assert len(listed(serving)) == 39
    assert "The release's own availability counts" in caplog.text
    assert "nowhere.csv" in caplog.text


def test_another_catalogue_withdraws_nothing(own_releases: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that lacks most items is a mistake or unfinished; what it marks counts all the same."""
    store, live = stored(own_releases)
    config = edit(own_releases, lambda rows: flagged("i00003")(rows)[:10])
    with caplog.at_level("WARNING"):
        serving = load_recommender(store, live, config)
    assert len(listed(serving)) == 39
    assert "lacks 75% of this release's items" in caplog.text
    assert "Check catalogue.path" in caplog.text


def test_a_process_that_serves_for_long_asks_again(own_releases: Path) -> None:
    """The new recommender shares the model with the old one, which stays as it was."""
    store, live = stored(own_releases)
    serving = load_recommender(store, live)
    config = edit(own_releases, flagged("i00003"))
    other = serving.with_availability(live_availability(store, live, config, serving.item_ids))
    assert listed(serving) - listed(other) == {"i00003"}
    assert other._ranker.search.table is serving._ranker.search.table
    with pytest.raises(ShapeError, match="40 items, but availability of shape"):
        serving.with_availability(np.ones(39, dtype=bool))


def made_by(folder: Path, overrides: list[str]) -> tuple[list[str], Steps]:
    """What a run makes."""
    config = load_config(folder / "pipeline.yaml", overrides)
    steps = Steps(store=Store(config.store.root), direct=True)
    run_stages(steps, config, None)
    return [each.kind for each in steps.records if not each.cached], steps


def test_a_run_learns_nothing_anew_for_a_changed_flag(own_releases: Path) -> None:
    """Availability and release, though the column was not even there before; the item is left out and still learned."""
    before = live_release(Store(str(own_releases / "store")))
    edit(own_releases, lambda rows: flagged("i00003")(rows)[::-1])
    made, steps = made_by(own_releases, OK)
    assert made == ["availability", "release"]
    after = live_release(steps.store)
    assert after.id != before.id
    assert "i00003" not in listed(load_recommender(steps.store, after))
    assert after.artifact("catalogue") == before.artifact("catalogue")
    manifest = steps.store.manifest(after.artifact("availability"))
    assert manifest.metrics["unavailable"] == 1


def test_another_order_of_the_same_rows_makes_nothing(own_releases: Path) -> None:
    """Neither of rows nor of columns."""
    edit(own_releases, lambda rows: [dict(reversed(row.items())) for row in reversed(rows)])
    assert made_by(own_releases, ["refresh.force=full"])[0] == []


def test_another_title_is_another_catalogue(own_releases: Path) -> None:
    """What learning reads counts."""
    edit(own_releases, lambda rows: [{**rows[0], "title": "another"}, *rows[1:]])
    made, _ = made_by(own_releases, ["refresh.force=full"])
    assert made[0] == "catalogue"
    assert "decoder" in made


def test_releases_from_before_there_was_availability(own_releases: Path) -> None:
    """Their catalogue says what may be recommended, and live files say it too."""
    edit(own_releases, flagged("i00003"))
    store = Store(str(own_releases / "store"))
    made = release(own_releases, OK)
    kinds = {kind: each for kind, each in made.artifacts.items() if kind != "availability"}
    old = made.model_copy(update={"artifacts": kinds})
    assert len(listed(load_recommender(store, old))) == 40
    config = edit(own_releases, flagged("i00003", "i00004"))
    assert len(listed(load_recommender(store, old, config))) == 38
