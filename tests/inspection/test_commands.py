"""`sidflow explain`, `releases` and `diff` in this process: answers for people and for programs."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from sidflow.errors import ConfigError, DataContractError, MissingArtifact
from sidflow.release import release_artifact
from tests.inspection.conftest import Two


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which nothing is cut."""
    monkeypatch.setenv("COLUMNS", "200")


def run(folder: Path, *arguments: str) -> Result:
    """Run `sidflow ARGUMENTS` on the folder's store."""
    return CliRunner().invoke(app, [*arguments, "--config", str(folder / "pipeline.yaml")])


def answer(folder: Path, *arguments: str) -> Any:
    """The JSON answer."""
    done = run(folder, *arguments, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def test_explain(two_releases: Path, two: Two) -> None:
    """A title finds the item; what people read says what programs read."""
    found = answer(two_releases, "explain", "i00003")
    assert answer(two_releases, "explain", found["title"].upper()) == found
    assert found["release"] == two.second.id
    said = run(two_releases, "explain", "i00003").stdout
    for text in (found["title"], found["text"], found["sid"], found["prefixes"][2]["prefix"], "Nearest siblings"):
        assert text in said
    assert answer(two_releases, "explain", "i00003", "--release", "previous")["release"] == two.first.id
    assert answer(two_releases, "explain", "i00003", "-n", "0")["siblings"] == []


def test_explain_shows_typical_titles(two_releases: Path) -> None:
    """Two of each prefix that has some, in the table of prefixes."""
    found = [answer(two_releases, "explain", f"i{item:05d}", "-n", "0") for item in range(40)]
    told = next(each for each in found if each["prefixes"][0]["titles"])
    said = run(two_releases, "explain", told["item_id"], "-n", "0").stdout
    assert "typical titles" in said
    for title in told["prefixes"][0]["titles"][:2]:
        assert title in said.split("typical titles")[1]


def test_explain_does_not_claim_what_it_was_not_asked(two_releases: Path) -> None:
    """Without lists there are no words about them; an item without partners is told."""
    found = [answer(two_releases, "explain", f"i{item:05d}") for item in range(40)]
    crowded = next(each["item_id"] for each in found if each["partners_found"] and each["siblings"])
    said = run(two_releases, "explain", crowded, "-n", "0").stdout
    assert "siblings" not in said and "partners" not in said and "No " not in said
    lonely = next(each["item_id"] for each in found if not each["partners_found"])
    assert "No mined partners" in run(two_releases, "explain", lonely).stdout


def test_item_text_is_no_markup(own_releases: Path) -> None:
    """Square brackets in titles and topics are shown as they are."""
    from tests.released import release

    text = (own_releases / "items.csv").read_text().replace('no. 3"', '[bold red]no. 3[/]"')
    (own_releases / "items.csv").write_text(text)
    release(own_releases, ["refresh.force=full"])
    said = run(own_releases, "explain", "i00003").stdout
    assert "[bold red]no. 3[/]" in said


def test_an_item_that_is_unavailable_now(own_releases: Path) -> None:
    """The item files of this moment count."""
    lines = (own_releases / "items.csv").read_text().splitlines()
    flags = ["available", *(str("i00003" not in line).lower() for line in lines[1:])]
    (own_releases / "items.csv").write_text("".join(f"{a},{b}\n" for a, b in zip(lines, flags, strict=True)))
    setting = ("--set", "catalogue.columns.available=available")
    assert answer(own_releases, "explain", "i00003", *setting)["available"] is False
    assert answer(own_releases, "explain", "i00004", *setting)["available"] is True
    assert "(unavailable: not recommended)" in run(own_releases, "explain", "i00003", *setting).stdout


def test_releases(two_releases: Path, two: Two) -> None:
    """Both releases, which one is current, and their metrics."""
    first, second = answer(two_releases, "releases")
    assert (first["release"], second["release"]) == (two.first.id, two.second.id)
    assert second["current"] and not first["current"]
    assert second["as_of"] == two.second.as_of.isoformat()
    said = run(two_releases, "releases").stdout
    assert "publish, current" in said
    assert f"{two.second.metrics['test']['recall@10']:.4f}" in said


def test_releases_after_gc(own_releases: Path, own: Two) -> None:
    """A collected release is one line that says so."""
    shutil.rmtree(Path(own.store.root) / release_artifact(own.store, own.first.id).path.split("/attempts")[0])
    said = run(own_releases, "releases").stdout
    assert own.first.id in said
    assert "(collected)" in said
    assert answer(own_releases, "releases")[0]["missing"] == "collected"
    done = run(own_releases, "diff")
    assert isinstance(done.exception, MissingArtifact)


def test_no_releases_yet(tmp_path: Path) -> None:
    """An empty list, and for people the next step."""
    (tmp_path / "pipeline.yaml").write_text(f"store: {{root: {tmp_path}/store}}")
    assert answer(tmp_path, "releases") == []
    assert run(tmp_path, "releases").stdout == "No releases yet; make one with: sidflow run.\n"


def test_diff(two_releases: Path, two: Two) -> None:
    """By default the current release against the one before; ids do as well."""
    found = answer(two_releases, "diff")
    assert answer(two_releases, "diff", two.first.id, two.second.id[:8]) == found
    assert (found["before"]["id"], found["after"]["id"]) == (two.first.id, two.second.id)
    said = run(two_releases, "diff").stdout
    assert f"{found['added']} added, {found['removed']} removed, {found['moved']} moved" in said
    assert found["alignment"]["reason"] in said
    for each in found["moved_items"]:
        assert each["old_sid"] in said
        assert each["new_sid"] in said
    assert len(answer(two_releases, "diff", "-n", "1")["moved_items"]) <= 1


def test_diff_of_the_same_release(two_releases: Path, two: Two) -> None:
    """Nothing to tell is told."""
    said = run(two_releases, "diff", "current", two.second.id).stdout
    assert "0 added, 0 removed, 0 moved" in said
    assert "The same settings in all stages." in said


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("explain", "i000033"), DataContractError, "neither an id nor part of a title among 40 items. Did you mean"),
        (("explain", "i00003", "--release", "x"), MissingArtifact, "release 'x': 0 releases match"),
        (("diff", "nope", "current"), MissingArtifact, "release 'nope': 0 releases match"),
        (("recommend", "u", "--where", "category"), ConfigError, "--where 'category' is not COLUMN=VALUE"),
        (("recommend", "u", "--where", "nope=1"), DataContractError, "the catalogue has no column 'nope'"),
        (("recommend", "u", "--prefix", "a-1"), ConfigError, "--prefix 'a-1' is not the beginning of a SID"),
        (("recommend", "u", "--prefix", "1", "--like", "i00003"), ConfigError, "give --prefix or --like, not both"),
        (("recommend", "u", "--like", "i00003:9"), DataContractError, "depth 9; allowed is 1 to 3"),
        (
            ("recommend", "u", "--like", "x"),
            DataContractError,
            "like: 1 of 1 items are not in this release's catalogue: 'x'",
        ),
        (("releases", "--set", "nonsense"), ConfigError, "not of the form section.key=value"),
    ],
)
def test_mistakes(two_releases: Path, arguments: tuple[str, ...], error: type[Exception], message: str) -> None:
    """Each is an error that a user can act on."""
    done = run(two_releases, *arguments)
    assert isinstance(done.exception, error)
    assert message in str(done.exception)
    assert done.stdout == ""


def test_recommend_when_nothing_is_available(own_releases: Path) -> None:
    """A sentence instead of an empty table, for known users and unknown ones; programs get empty lists."""
    lines = (own_releases / "items.csv").read_text().splitlines()
    (own_releases / "items.csv").write_text("\n".join([f"{lines[0]},ok", *(f"{each},N" for each in lines[1:])]))
    setting = ("--set", "catalogue.columns.available=ok")
    said = run(own_releases, "recommend", "u00003", "nobody", *setting).stdout
    assert "For user u00003: nothing." in said and "For user nobody: nothing." in said
    assert [each["items"] for each in answer(own_releases, "recommend", "u00003", "nobody", *setting)] == [[], []]


def test_recommend_under_conditions(two_releases: Path) -> None:
    """Every item listed satisfies them; a quota of one gives distinct first codes; repeats come back when asked for."""
    with (two_releases / "items.csv").open(newline="") as file:
        column = {each["item_id"]: each for each in csv.DictReader(file)}
    category = column["i00003"]["category"]
    listed = answer(two_releases, "recommend", "u00003", "nobody", "-k", "40", "--where", f"category={category}")
    assert all(each["items"] for each in listed)
    assert {column[item["item_id"]]["category"] for each in listed for item in each["items"]} == {category}
    (like,) = answer(two_releases, "recommend", "u00003", "-k", "40", "--like", "i00003:1", "--with-seen")
    sid = answer(two_releases, "explain", "i00003")["sid"]
    assert {item["sid"].split("-")[0] for item in like["items"]} == {sid.split("-")[0]}
    assert "i00003" in {item["item_id"] for item in like["items"]}
    arguments = ("recommend", "u00003", "-k", "3", "--quota", "1", "--temperature", "2", "--without", "i00003")
    (spread,) = answer(two_releases, *arguments)
    assert len({item["sid"].split("-")[0] for item in spread["items"]}) == 3
    nothing = run(two_releases, "recommend", "u00003", "--like", "i00003:3", "--without", "i00003").stdout
    assert "For user u00003: nothing. No other item is available" in nothing


def test_a_forgotten_user_gets_what_is_popular(own_releases: Path) -> None:
    """At once, although the live release still has the history."""
    assert "popular" not in answer(own_releases, "recommend", "u00003")[0]["items"][0]["reason"]
    run(own_releases, "forget", "u00003")
    told = answer(own_releases, "recommend", "u00003", "u00005")
    assert [each["items"][0]["reason"].startswith("popular") for each in told] == [True, False]
