"""`sidflow export` in this process: what it writes, says and refuses."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from flows.cli import app
from sidflow.artifacts import Store
from sidflow.config import load_config
from sidflow.errors import ConfigError, MissingArtifact
from sidflow.release import live_release, log_entries


def export(folder: Path, *arguments: str) -> Result:
    """Run `sidflow export ARGUMENTS` on the folder's store."""
    return CliRunner().invoke(app, ["export", *arguments, "--config", str(folder / "pipeline.yaml")])


@pytest.mark.parametrize(("what", "rows"), [("sids", 40), ("tokens", 60), ("recommendations", 180)])
def test_json_says_what_was_written(two_releases: Path, tmp_path: Path, what: str, rows: int) -> None:
    """Content, release, path and rows; the file has them."""
    out = tmp_path / "new" / f"{what}.parquet"
    done = export(two_releases, what, "--out", str(out), "-k", "3", "--json")
    assert done.exit_code == 0, done.exception
    live = live_release(Store(str(two_releases / "store")))
    assert json.loads(done.stdout) == {"what": what, "release": live.id, "path": str(out), "rows": rows}
    assert pq.read_metadata(out).num_rows == rows
    assert list(out.parent.iterdir()) == [out]


def test_words_for_people(two_releases: Path, tmp_path: Path) -> None:
    """One line, and another release by name."""
    first = log_entries(Store(str(two_releases / "store")))[0].release
    done = export(two_releases, "sids", "--out", str(tmp_path / "a.csv"), "--release", "previous")
    assert done.stdout == f"sids of release {first}: 40 rows in {tmp_path / 'a.csv'}\n"


@pytest.mark.parametrize(("what", "file"), [("ranker", "ranker.json"), ("language-model", "language.json")])
def test_hand_offs_are_folders(two_releases: Path, tmp_path: Path, what: str, file: str) -> None:
    """The answer lists the files."""
    done = export(two_releases, what, "--out", str(tmp_path / what), "--json")
    assert done.exit_code == 0, done.exception
    answer = json.loads(done.stdout)
    assert file in answer["files"]
    assert {each.name for each in (tmp_path / what).iterdir()} == set(answer["files"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("token", "--out", "a.csv"), ConfigError, r"export token: no such content; allowed: sids.*mean 'tokens'\?"),
        (("sids", "--out", "a.xlsx"), ConfigError, "the name's ending says the format"),
        (("tokens", "--out", "a.csv", "--release", "summer"), MissingArtifact, "'summer': 0 releases match"),
    ],
)
def test_mistakes(
    two_releases: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    error: type[Exception],
    message: str,
) -> None:
    """Each says what is allowed, and writes nothing."""
    monkeypatch.chdir(tmp_path)
    done = export(two_releases, *arguments)
    with pytest.raises(error, match=message):
        raise done.exception or AssertionError(done.output)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_by_force_only(two_releases: Path, tmp_path: Path) -> None:
    """Without --force it stays as it is, and the store is not read."""
    (tmp_path / "a.csv").write_text("mine")
    done = export(two_releases, "sids", "--out", str(tmp_path / "a.csv"))
    assert isinstance(done.exception, ConfigError)
    assert (tmp_path / "a.csv").read_text() == "mine"
    assert export(two_releases, "sids", "--out", str(tmp_path / "a.csv"), "--force").exit_code == 0
    assert (tmp_path / "a.csv").read_text().startswith("item_id,title,sid,code_1")


def test_deployments_offer_the_flow(tmp_path: Path) -> None:
    """`score` with its parameters is a deployment; its configuration wins over parameters of the same name."""
    path = tmp_path / "pipeline.yaml"
    path.write_text(
        "deployments: {serve: [{name: nightly-scores, flow: score, cron: '0 5 * * *',"
        " parameters: {out: 's3://bucket/scores.parquet', k: 20, force: true, config: other.yaml}}]}"
    )
    from flows.deployments import _deployment

    made = _deployment(load_config(path).deployments.serve[0], str(path), ("store.root=x",))
    assert made.flow_name == "score"
    assert made.parameters == {
        "out": "s3://bucket/scores.parquet",
        "k": 20,
        "force": True,
        "config": str(path),
        "overrides": ["store.root=x"],
    }
