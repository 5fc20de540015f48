"""`sidflow fetch`: a set of the published size over HTTP, what is printed, and errors as users see them."""

import gzip
import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.data import lines, next_commands
from sidflow.errors import ConfigError, DataContractError
from sidflow.fetch import DATASETS
from tests.fetch.site import Site

TOYS = DATASETS["amazon-toys"].counts


def full_size() -> dict[str, bytes]:
    """Files with as many interactions, users and items as the Toys set has, and metadata of other items."""
    reviews = "".join(
        f'{{"reviewerID": "U{row % TOYS.users}", "asin": "B{row % TOYS.rated:09d}", "overall": 4.0, '
        f'"unixReviewTime": {1_300_000_000 + row // 1_000 * 86_400}}}\n'
        for row in range(TOYS.interactions)
    )
    items = "".join(
        f"{{'asin': 'B{item:09d}', 'title': 'Toy {item}', 'categories': [['Toys & Games']]}}\n"
        for item in range(TOYS.items + 5_000)
    )
    files = {"reviews_Toys_and_Games_5.json.gz": reviews, "meta_Toys_and_Games.json.gz": items}
    return {name: gzip.compress(text.encode(), 1) for name, text in files.items()}


def test_published_size_over_http(site: Site, tmp_path: Path) -> None:
    """A broken connection, a changed mind and a third run: resumed, whole, and then nothing is asked for."""
    site.files = full_size()
    site.cut = [100_000, 50_000]
    command = ["fetch", "amazon-toys", "--folder", str(tmp_path), "--from", site.url]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.exception
    folder = tmp_path / "amazon-toys"
    assert json.loads(done.stdout)["downloaded"] and json.loads(done.stdout)["folder"] == str(folder)
    assert [each[1] for each in site.seen] == [None, "bytes=100000-", "bytes=150000-", None]
    with (folder / "interactions.csv").open() as file:
        assert sum(1 for _ in file) == 1 + TOYS.interactions
    assert "fetch: meta_Toys_and_Games.json.gz: " in done.stderr and " MB\n" in done.stderr
    site.files, site.seen[:] = {}, []
    again = CliRunner().invoke(app, command)
    assert (again.exit_code, site.seen) == (0, [])
    assert again.stdout.splitlines() == [
        f"amazon-toys: {folder} (there already, from {site.url}/reviews_Toys_and_Games_5.json.gz, "
        f"{site.url}/meta_Toys_and_Games.json.gz)",
        *(f"next: {line}" for line in next_commands("amazon-toys", folder)),
    ]


def test_errors_name_the_address_and_the_next_step(site: Site, tmp_path: Path) -> None:
    """Exit code 2 and a sentence; no stack trace."""
    command = [str(Path(sys.executable).parent / "sidflow"), "fetch", "movielens-1m", "--from", site.url]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"no place gave it: {site.url}/ml-1m.zip: HTTP 404 Not Found. Run the same command again" in done.stderr


def test_help_names_every_set() -> None:
    """What the help lists is what there is."""
    said = CliRunner().invoke(app, ["fetch", "--help"]).stdout
    assert all(name in said for name in DATASETS)


def test_refusals(tmp_path: Path) -> None:
    """An unknown set, and a folder that has not got the files."""
    done = CliRunner().invoke(app, ["fetch", "netflix"])
    assert isinstance(done.exception, ConfigError)
    done = CliRunner().invoke(app, ["fetch", "movielens-1m", "--folder", str(tmp_path), "--from", str(tmp_path)])
    assert isinstance(done.exception, DataContractError)
    assert "no ml-1m.zip there" in str(done.exception)


def test_lines_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """One at the first byte, one at the last; not one a block."""
    on_progress = lines()
    for done in range(0, 5_000_001, 10_000):
        on_progress("x.gz", done, 5_000_000)
    on_progress("y.gz", 1_500_000, 0)
    assert capsys.readouterr().err.splitlines() == [
        "fetch: x.gz: 0.0 of 5.0 MB",
        "fetch: x.gz: 5.0 of 5.0 MB",
        "fetch: y.gz: 1.5 MB",
    ]


def test_bar_in_a_terminal(site: Site, tmp_path: Path) -> None:
    """80 columns show the longest name with bar, size and speed in one line; log lines stand apart."""
    name = "reviews_Sports_and_Outdoors_5.json.gz"
    site.files, site.cut = {name: b"x" * 3_000_000}, [1_000_000]
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).parent / "sidflow"), "fetch", "amazon-sports", "--from", site.url]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"}
    with subprocess.Popen(command, cwd=tmp_path, stderr=theirs, stdout=theirs, env=environment):
        os.close(theirs)
        seen = everything_from(ours)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    shown = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    bars = [line for line in shown if "━" in line]
    assert bars and all(bar.startswith(f"{name} ") and len(bar) <= 80 for bar in bars)
    assert any(" 1.0/3.0 MB " in bar for bar in bars)
    assert any(line.startswith(f"{site.url}/{name}: broke off at") for line in shown)


def everything_from(terminal: int) -> str:
    """What a program writes to a terminal until it ends."""
    seen = b""
    with suppress(OSError), os.fdopen(terminal, "rb", buffering=0) as file:  # an error: the other end is closed
        while block := file.read(65_536):
            seen += block
    return seen.decode()


@pytest.mark.parametrize(
    ("dataset", "folder", "expected"),
    [
        ("movielens-100k", "data/raw/movielens-100k", ["sidflow run"]),
        (
            "amazon-beauty",
            "data/raw/amazon-beauty",
            [
                "sidflow init --interactions data/raw/amazon-beauty/interactions.csv "
                "--catalogue data/raw/amazon-beauty/items.csv",
                "sidflow run --config benchmarks/amazon.yaml",
            ],
        ),
        (
            "amazon-toys",
            "my data/amazon-toys",
            [
                "sidflow init --interactions 'my data/amazon-toys/interactions.csv' "
                "--catalogue 'my data/amazon-toys/items.csv'",
                "sidflow run --config benchmarks/amazon.yaml "
                "--set interactions.path='my data/amazon-toys/interactions.csv' "
                "--set catalogue.path='my data/amazon-toys/items.csv' --set store.root=.sidflow/amazon-toys",
            ],
        ),
        (
            "movielens-1m",
            "data/raw/movielens-1m",
            [
                "sidflow init --interactions data/raw/movielens-1m/interactions.csv "
                "--catalogue data/raw/movielens-1m/items.csv",
                "sidflow run --set interactions.path=data/raw/movielens-1m/interactions.csv "
                "--set catalogue.path=data/raw/movielens-1m/items.csv --set store.root=.sidflow/movielens-1m",
            ],
        ),
    ],
)
def test_next_command_can_be_pasted(dataset: str, folder: str, expected: list[str]) -> None:
    """Paths are quoted for the shell; another set gets a store of its own."""
    assert next_commands(dataset, Path(folder)) == expected
