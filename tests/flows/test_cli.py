"""The command line without a server: moments, usage, and which Prefect server is used."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows import environment
from flows.commands.options import parse_moment
from flows.evidence import markdown
from flows.steps import StepRecord, Summary
from sidflow.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2014-07-01", datetime(2014, 7, 1, tzinfo=UTC)),
        ("2014-07-01T12:30", datetime(2014, 7, 1, 12, 30, tzinfo=UTC)),
        ("2014-07-01T12:30+02:00", datetime(2014, 7, 1, 10, 30, tzinfo=UTC)),
    ],
)
def test_moments_are_utc_without_a_zone(text: str, moment: datetime) -> None:
    """A date is its midnight; a zone is converted."""
    assert parse_moment(text, "--as-of") == moment


def test_a_moment_that_is_none() -> None:
    """The option, what was got and what is allowed are named."""
    with pytest.raises(ConfigError, match=r"--as-of yesterday: not a date or date-time; allowed: 2014-07-01"):
        parse_moment("yesterday", "--as-of")


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`sidflow ARGUMENTS` in a folder."""
    command = [str(Path(sys.executable).parent / "sidflow"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_usage_errors_are_configuration_errors(tmp_path: Path) -> None:
    """An unknown option, an unknown command and a missing file end with exit code 2 and a sentence."""
    for arguments, said in [
        (("run", "--nonsense"), "No such option"),
        (("fly",), "No such command"),
        (("run",), "no such configuration file"),
        (("fetch", "movielens-99"), "allowed: movielens-100k"),
        (("recommend",), "give either user ids or --history"),
    ]:
        done = run(tmp_path, *arguments)
        assert (done.returncode, said in done.stderr) == (2, True), done.stderr
        assert "Traceback" not in done.stderr


def test_arguments_that_are_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are refused by name."""
    command = [str(Path(sys.executable).parent / "sidflow").encode(), b"explain", b"a\xff"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)
    assert b"argument 'a\\udcff': is not UTF-8" in done.stderr


def test_a_terminal_that_lacks_letters(two_releases: Path) -> None:
    """Text of the data is written in escapes where the encoding has no letter for it."""
    command = [str(Path(sys.executable).parent / "sidflow"), "recommend", "M\u00f6we"]
    done = subprocess.run(
        command,
        cwd=two_releases,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert "M\\xf6we" in done.stdout


def test_help_names_every_command(tmp_path: Path) -> None:
    """`sidflow --help` is quick and complete."""
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    for command in ("run", "backfill", "artifacts", "show", "recommend", "fetch", "serve"):
        assert command in done.stdout


def test_no_release_yet(tmp_path: Path) -> None:
    """Commands that need a release say how to make one."""
    (tmp_path / "pipeline.yaml").write_text("")
    done = run(tmp_path, "show", "pairs")
    assert done.returncode == 1
    assert "no release is published yet; make one with: sidflow run" in done.stderr


def test_which_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that does not answer is passed over; then PREFECT_API_URL; then an ephemeral server."""
    monkeypatch.chdir(tmp_path)
    for name in (*environment.DEFAULTS, "PREFECT_HOME", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".sidflow").mkdir()
    (tmp_path / ".sidflow" / "server.json").write_text(json.dumps({"url": "http://127.0.0.1:1", "pid": 1}))
    assert "ephemeral" in environment.prepare()
    assert Path(os.environ["PREFECT_HOME"]).is_dir()
    monkeypatch.setenv("PREFECT_API_URL", "http://example.invalid/api")
    assert "PREFECT_API_URL" in environment.prepare()


def test_the_users_settings_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """Defaults do not overwrite what is set."""
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    environment.set_defaults()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_markdown_summary() -> None:
    """Stages, decision and metrics stand in tables."""
    numbers = dict.fromkeys(("recall@5", "recall@10", "ndcg@5", "ndcg@10"), 0.125)
    step = StepRecord(kind="pairs", fingerprint="f", path="p", rows=1234, seconds=1.5, cached=False)
    text = markdown(
        Summary(
            release="abc",
            artifacts=[step],
            metrics={"test": numbers, "baselines": {"popularity": numbers}},
            decision={"action": "full", "reason": "No previous release."},
        )
    )
    assert "# Release abc" in text
    assert "Decision **full**: No previous release." in text
    assert "| pairs | 1,234 | 1.5 |  |" in text
    assert "| popularity | 0.1250 | 0.1250 | 0.1250 | 0.1250 |" in text
