"""What gc and forget say."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from sidflow.artifacts import Store
from sidflow.errors import ConfigError
from tests.lifecycle.small import put_release, put_segment


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and a store of four small releases, in the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    (tmp_path / "pipeline.yaml").write_text("store: {root: store}\nrelease: {keep: 2}\n")
    store = Store("store")
    segment = put_segment(store, "s", ["a", "[b]"], [])
    for day, name in enumerate(("one", "two", "three", "four"), start=1):
        put_release(store, name, day, segment)
    return tmp_path


def run(*arguments: str) -> Result:
    """A command that ends well."""
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result


def test_gc_shows_first(root: Path) -> None:
    """Releases with reasons, what goes, what is freed, and how to do it; nothing is changed."""
    shown = run("gc", "--grace", "0h").stdout
    assert "what a rollback goes back to" in shown
    assert "older than the newest 2" in shown
    assert "Would delete 8 of 17 artifacts" in shown
    assert "the same command with --apply" in shown
    assert run("gc").stdout.count("Would delete 0 of 17 artifacts") == 1


def test_gc_for_programs(root: Path) -> None:
    """One object, every artifact with its reason."""
    plan = json.loads(run("gc", "--grace", "0h", "--json").stdout)
    assert plan["applied"] is False
    assert [each["stays"] for each in plan["releases"]] == [False, False, True, True]
    assert all(each["why"] for each in plan["attempts"])
    done = json.loads(run("gc", "--grace", "0h", "--apply", "--json").stdout)
    assert (done["applied"], done["deleted"]) == (True, 8)
    assert json.loads(run("gc", "--grace", "0h", "--apply", "--json").stdout)["deleted"] == 0


def test_forget_and_what_gc_says_of_it(root: Path) -> None:
    """Rows removed, traces by release, commands that end them, the files that are one's own; brackets are no markup."""
    told = run("forget", "[b]").stdout
    assert "Removed 1 rows and 0 rejects of a.csv" in told
    assert "release four (as of 2014-07-04, current): interactions 1 rows" in told
    assert "1. sidflow run" in told
    assert "2. sidflow gc --apply --forgotten --grace 0h" in told
    assert "Your own files are untouched" in told
    left = run("gc", "--apply", "--forgotten", "--grace", "0h").stdout
    assert "holds rows of forgotten users" in left
    assert "the interactions of release four" in left


def test_what_is_told_to_run_names_the_configuration(root: Path) -> None:
    """Copied as it is, a command works on the same store, not on that of pipeline.yaml."""
    (root / "pipeline.yaml").rename(root / "my shop.yaml")
    chosen = ["--config", "my shop.yaml", "--set", "release.keep=3"]
    ending = "--config 'my shop.yaml' --set release.keep=3"
    told = run("forget", "[b]", *chosen).stdout
    assert f"1. sidflow run {ending}" in told
    assert f"2. sidflow gc --apply --forgotten --grace 0h {ending}" in told
    assert json.loads(run("forget", "[b]", "--json", *chosen).stdout)["commands"][0] == f"sidflow run {ending}"
    left = " ".join(run("gc", "--apply", "--forgotten", "--grace", "0h", *chosen).stdout.split())
    assert f"sidflow run {ending} --set refresh.force=full" in left


def test_a_bad_grace_is_refused() -> None:
    """Before the store is looked at."""
    with pytest.raises(ConfigError, match="--grace tomorrow: not a period"):
        run("gc", "--grace", "tomorrow")
