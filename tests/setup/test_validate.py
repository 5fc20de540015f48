"""`sidflow validate`: a look at the inputs, all that is wrong, and nothing written."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.cli import app
from sidflow.config import load_config
from sidflow.setup.init import initialise
from sidflow.setup.look import look_at_inputs
from sidflow.setup.looked import Looks
from tests.factories import World
from tests.setup.conftest import Shop


@pytest.fixture
def configured(shop: Shop) -> Path:
    """A folder with log, catalogue and the configuration that init writes."""
    initialise(*shop(), "pipeline.yaml")
    return Path()


MANY = ("histories.gate.min_users=50",)


def look(*overrides: str, sample_rows: int = 1_000) -> Looks:
    """The inputs of ./pipeline.yaml."""
    return look_at_inputs(load_config("pipeline.yaml", overrides), sample_rows, 3)


def validate(*arguments: str) -> Any:
    """`sidflow validate ARGUMENTS` in this process."""
    return CliRunner().invoke(app, ["validate", *arguments], env={"COLUMNS": "120"})


def add(file: str, *lines: str) -> None:
    """Append lines to a file."""
    with Path(file).open("a") as opened:
        opened.writelines(f"{line}\n" for line in lines)


def test_sound_inputs(configured: Path, shop_world: World) -> None:
    """All rows count, all items are known, and texts are made."""
    looks = look()
    assert (looks.problems, looks.warnings, looks.known_share) == ([], [], 1.0)
    assert (looks.interactions.cleaned.num_rows, looks.catalogue.cleaned.num_rows) == (400, 40)
    assert looks.interactions.complete and looks.catalogue.complete
    assert len(looks.texts) == 3 and looks.texts[0].startswith(shop_world.items["title"][0].as_py())


def test_a_sample_is_a_sample(configured: Path) -> None:
    """Fewer rows are read than there are, and it is said."""
    looks = look(sample_rows=100)
    assert (looks.interactions.source_rows, looks.interactions.complete) == (100, False)


def test_rejects_are_shown_by_reason(configured: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Share, counts, and an example of each reason."""
    add("log.csv", "u00001,i00001,not a time,view,1", ",i00001,1600000000,view,1", "u00001,i00001")
    add("items.csv", "i00001,again,x,y")
    done = validate("--json")
    assert done.exit_code == 0, done.exception
    answer = json.loads(capfd.readouterr().out)
    found = answer["interactions"]
    assert found["rejects"] == {"timestamp unparseable": 1, "user id missing": 1, "too few fields": 1}
    assert {(each["row"], each["reason"]) for each in found["reject_examples"]} == {
        (401, "timestamp unparseable"),
        (402, "user id missing"),
        (403, "too few fields"),
    }
    assert found["reject_share"] == pytest.approx(3 / 403)
    assert answer["catalogue"]["rejects"] == {"duplicate item id": 1}


def test_too_many_rejects_are_a_warning(configured: Path) -> None:
    """A sample cannot decide for the gate."""
    add("log.csv", *["u00001,i00001,never,view,1"] * 100)
    looks = look()
    assert looks.problems == []
    assert "20.0% of the rows read are rejected; the gate allows 5.0%" in looks.warnings[0]


def test_unknown_items_are_a_warning(configured: Path) -> None:
    """With examples."""
    add("log.csv", *[f"u00001,zz{k},1600000000,view,1" for k in range(100)])
    assert "20.0% of the interactions read are with items that are not in the catalogue" in look().warnings[0]
    assert "'zz0'" in look().warnings[0]


def test_all_problems_at_once(configured: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A missing file, a missing column, an unknown template column and codes beyond the items: exit code 2."""
    done = validate(
        *("--set", "interactions.path=nope.csv"),
        *("--set", "embedding.template='{titel}'"),
        *("--set", "quantizer.codebooks=[256]"),
        "--json",
    )
    assert done.exit_code == 2
    answer = json.loads(capfd.readouterr().out)
    assert answer["runnable"] is False
    said = " ".join(answer["problems"])
    for each in ("nope.csv: no such file", "no column 'titel'", "fewer items than codes: 40 items"):
        assert each in said
    assert len(answer["problems"]) == 3


def test_every_file_of_a_folder_is_opened(configured: Path) -> None:
    """One that lacks a column is named, the others are read."""
    Path("folder").mkdir()
    Path("log.csv").rename("folder/a.csv")
    Path("folder/b.csv").write_text("user_id,item_id\n1,2\n")
    looks = look("interactions.path=folder")
    assert (looks.interactions.files, looks.interactions.source_rows) == (2, 400)
    assert len(looks.problems) == 1 and "b.csv: column 'timestamp' is missing" in looks.problems[0]


def test_too_few_users(configured: Path) -> None:
    """If the whole log was read."""
    assert "users have 20 interactions or more" in look(*MANY, "histories.min_user_events=20").warnings[0]
    assert "0 users have 100 interactions or more" in look("histories.min_user_events=100").problems[0]
    assert look("histories.min_user_events=100", sample_rows=100).warnings == []


def test_text_for_a_person(configured: Path) -> None:
    """Rows, texts, stages and the next command; and no store is made."""
    done = validate("--rows", "2")
    assert done.exit_code == 0, done.exception
    for each in ("all 400 rows read", "100.0% of the interactions", "Text to embed:", "would run", "sidflow run"):
        assert each in done.stdout
    assert done.stdout.count("Text to embed") == 2
    assert sorted(each.name for each in Path().iterdir()) == ["items.csv", "log.csv", "pipeline.yaml"]


def test_a_wrong_configuration(configured: Path) -> None:
    """As every command says it."""
    assert "--set decoder.lr" in str(validate("--set", "decoder.lr=-1").exception)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (
            "interactions.path=none.csv",
            "none.csv: 1 file without a single row; allowed is one row or more. Check inter",
        ),
        ("catalogue.path=none.csv", "none.csv: 1 file without a single row; allowed is one row or more. Check catal"),
        ("interactions.keep.events=[x]", "no row of the 400 read counts. Change interactions.keep to what the log"),
        ("interactions.timestamp_unit=iso8601", "no row of the 400 read counts. Check interactions.columns."),
        ("store.root=pipeline.yaml/store", "pipeline.yaml is no folder, so no store can be at pipeline.yaml/store."),
    ],
)
def test_what_a_run_would_end_with(configured: Path, setting: str, said: str) -> None:
    """It is a problem, and never said that nothing stands against a run."""
    Path("none.csv").write_text("user_id,item_id,timestamp,event,weight,title,brand,category\n")
    done = validate("--set", setting)
    assert (done.exit_code, "Nothing stands against" in done.stdout) == (2, False)
    assert any(said in each for each in look(setting).problems)


def test_a_store_without_the_right_to_write(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of the nearest folder that is there."""
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "cannot be written by this user" in look("store.root=a/b").problems[0]
    assert look("store.root=memory://a").problems == []


def test_a_warning_is_no_all_clear(configured: Path) -> None:
    """The verdict points to it."""
    add("log.csv", *["u00001,i00001,never,view,1"] * 100)
    done = validate()
    assert done.exit_code == 0
    assert "what is warned of above may end it" in done.stdout
    assert "Nothing stands" not in done.stdout


def test_columns_stay_readable_side_by_side(configured: Path) -> None:
    """At 80 characters no column shrinks away, and what does not fit is counted."""
    lines = Path("items.csv").read_text().splitlines()
    long = [
        f"{lines[0]},about,picture",
        *(f"{each},{'long words ' * 9},https://example.org/{'x' * 40}" for each in lines[1:]),
    ]
    Path("items.csv").write_text("\n".join(long))
    shown = CliRunner().invoke(app, ["validate"], env={"COLUMNS": "60"}).stdout
    header = next(each for each in shown.splitlines() if each.startswith("item_id") and "title" in each)
    assert len(header) <= 60
    assert "and 1 more column" in shown or "and 2 more columns" in shown
    assert all(len(each.strip()) >= 5 for each in header.split("┃"))
