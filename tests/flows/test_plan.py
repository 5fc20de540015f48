"""What a run would do, without doing it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.plan import PlannedStage, plan
from sidflow.artifacts import Store
from sidflow.artifacts.kinds import KINDS
from sidflow.artifacts.planning import WouldWrite, flat
from sidflow.config import load_config
from tests.released import release


def planned(folder: Path, *overrides: str, as_of: datetime | None = None) -> dict[str, PlannedStage]:
    """The plan of a folder's pipeline.yaml, by stage."""
    return {each.kind: each for each in plan(load_config(folder / "pipeline.yaml", overrides), as_of)}


def states(stages: dict[str, PlannedStage], state: str) -> set[str]:
    """The stages in a state."""
    return {kind for kind, each in stages.items() if each.state == state}


def content(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder, with its time of change and size."""
    found = {str(each): each.stat() for each in folder.rglob("*")}
    return {name: (stat.st_mtime_ns, stat.st_size) for name, stat in found.items()}


def add(file: Path, line: str) -> None:
    """Append a line to a file."""
    file.write_text(f"{file.read_text()}{line}\n")


def test_nothing_is_there_yet(world: Path) -> None:
    """Every stage would run, and the store is not created."""
    stages = planned(world)
    assert list(stages) == list(KINDS)
    assert states(stages, "run") == set(KINDS)
    assert stages["interactions"].why == "none was made in this store yet"
    assert stages["histories"].why == "new interactions"
    assert not (world / "store").exists()


def test_everything_is_there(two_releases: Path) -> None:
    """As the run that was: all cached, with when it was made; and not a byte of the store changes."""
    before = content(two_releases / "store")
    stages = planned(two_releases, "refresh.force=full")
    assert states(stages, "cached") == set(KINDS)
    assert all(each.made and each.fingerprint for each in stages.values())
    assert content(two_releases / "store") == before


@pytest.mark.parametrize(
    ("override", "first", "why", "kept"),
    [
        ("decoder.lr=0.01", "decoder", "decoder.lr: 0.002 -> 0.01", {"dataset", "embeddings", "semantic_ids"}),
        ("pairs.window=5", "pairs", "pairs.window: 3 -> 5", {"catalogue", "embeddings", "histories"}),
        ("embedding.max_tokens=64", "embeddings", "embedding.max_tokens: 256 -> 64", {"histories", "pairs"}),
        ("evaluation.beam=10", "metrics", "evaluation.beam: 20 -> 10", {"decoder"}),
    ],
)
def test_a_setting_is_new(two_releases: Path, override: str, first: str, why: str, kept: set[str]) -> None:
    """The stage says which, what follows would run, and what does not depend on it is cached."""
    before = content(two_releases / "store")
    stages = planned(two_releases, "refresh.force=full", override)
    assert (stages[first].state, stages[first].why) == ("run", why)
    assert states(stages, "cached") >= kept
    assert stages["release"].state == "run"
    assert not states(stages, "refused") | states(stages, "fails") | states(stages, "waits")
    assert content(two_releases / "store") == before


def test_an_operational_setting_changes_nothing(two_releases: Path) -> None:
    """As in a run."""
    assert states(planned(two_releases, "refresh.force=full", "evaluation.batch_users=3"), "run") == set()


def test_the_plan_is_what_a_run_then_does(own_releases: Path) -> None:
    """New items and a new event: the stages that would run are those that a run makes."""
    add(own_releases / "items.csv", "zzz,bold new thing,brand 1,category 1")
    stages = planned(own_releases, "refresh.force=full")
    assert stages["catalogue"].state == "run"
    assert {"interactions"} == states(stages, "cached")
    before = {each.fingerprint for each in Store(str(own_releases / "store")).manifests()}
    release(own_releases, ["refresh.force=full"])
    made = {each.kind for each in Store(str(own_releases / "store")).manifests() if each.fingerprint not in before}
    assert made & set(KINDS) == states(stages, "run")


def test_a_new_source_file(own_releases: Path) -> None:
    """The log says so."""
    add(own_releases / "interactions.csv", "u00001,i00001,1700000000,view,1")
    assert planned(own_releases)["interactions"].why == "a source file is new or has changed"


def test_another_logical_time(two_releases: Path) -> None:
    """As of a moment that no run had."""
    stages = planned(two_releases, as_of=datetime(2020, 9, 13, 14, tzinfo=UTC))
    assert stages["interactions"].why == "the logical time is another"
    assert planned(two_releases, as_of=datetime(2020, 9, 13, 16, tzinfo=UTC))["release"].state == "cached"


def test_a_tightened_gate_refuses_what_is_there(two_releases: Path) -> None:
    """By today's limits; what follows would not run, what does not depend on it is still asked; nothing is written."""
    before = content(two_releases / "store")
    stages = planned(two_releases, "refresh.force=full", "histories.gate.min_users=100000")
    assert stages["histories"].state == "refused"
    assert "allowed is at least 100,000" in stages["histories"].why
    assert (stages["pairs"].state, stages["embeddings"].state) == ("waits", "cached")
    assert stages["pairs"].why == "histories would not be there"
    assert content(two_releases / "store") == before


def test_an_input_that_cannot_be_read(two_releases: Path) -> None:
    """The stage fails with the message that a run would give."""
    stages = planned(two_releases, "catalogue.path=nope.csv")
    assert (stages["catalogue"].state, stages["pairs"].state) == ("fails", "waits")
    assert "nope.csv: no such file or folder" in stages["catalogue"].why
    assert stages["interactions"].state == "cached"


def test_the_command_exits_with_the_plan(two_releases: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """3 for a refusal that is certain, and the JSON names it."""
    arguments = ["validate", "--config", str(two_releases / "pipeline.yaml"), "--json"]
    done = CliRunner().invoke(app, [*arguments, "--set", "histories.gate.min_users=100000"])
    assert done.exit_code == 3, done.exception
    found = {each["kind"]: each["state"] for each in json.loads(capfd.readouterr().out)["stages"]}
    assert found["histories"] == "refused"
    assert CliRunner().invoke(app, [*arguments, "--set", "refresh.force=full"]).exit_code == 0


def test_a_withdrawn_release_would_be_announced(own_releases: Path) -> None:
    """It is made, but a run would write the log: the plan says so and does not."""
    for line in sorted((own_releases / "store/releases/log").iterdir())[1:]:
        line.unlink()
    before = content(own_releases / "store")
    stages = planned(own_releases, "refresh.force=full")
    assert (stages["release"].state, stages["decoder"].state) == ("publish", "cached")
    assert content(own_releases / "store") == before


def test_a_store_of_a_plan_cannot_be_written() -> None:
    """By no way that a stage has."""
    store = Store("memory://planned", plan=True)
    for write in (
        lambda: store.begin("pairs", "f"),
        lambda: store.storage.write("a", b""),
        lambda: store.storage.create("a", b""),
        lambda: store.storage.link("a", "b"),
        lambda: store.storage.put(Path(__file__), "a"),
    ):
        with pytest.raises(WouldWrite):
            write()
    assert not fsspec.filesystem("memory").exists("/planned")


def test_nested_settings_by_their_names() -> None:
    """Dotted, lists as lists."""
    assert flat({"a": {"b": 1, "c": (1, 2)}, "d": None}) == {"a.b": 1, "a.c": [1, 2], "d": None}
