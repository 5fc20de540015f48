"""Fixtures that several areas share."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows import environment
from flows.deployments import prefect_server
from tests.factories import make_world, write_csv
from tests.released import release

environment.set_defaults()
os.environ["PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW"] = "ignore"

TINY = """
store: {{root: {folder}/store}}
interactions: {{path: {folder}/interactions.csv}}
catalogue: {{path: {folder}/items.csv}}
embedding: {{template: "{{title}}. {{brand}}. {{category}}"}}
pairs: {{window: 3, dask: {{workers: 0}}}}
quantizer: {{codebooks: [8, 8, 8], hidden: [16], latent: 4, warmup_steps: 5, steps: 20, batch_items: 32}}
decoder: {{dim: 16, layers: 1, heads: 2, epochs: 2, batch_positions: 200}}
evaluation: {{bootstrap: 20, beam: 20}}
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server on loopback with a database of its own."""
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.DEFAULTS.items():
            patch.setenv(name, value)
        patch.setenv("PREFECT_HOME", str(home))
        with prefect_server(address=home / "server.json") as url:
            yield url


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with a small log, a catalogue and a configuration that runs in seconds."""
    return make_folder(tmp_path)


def make_folder(folder: Path) -> Path:
    """Fill a folder with a small log, a catalogue and a configuration."""
    made = make_world(users=60, items=40, topics=4, seed=3)
    write_csv(made.interactions, folder / "interactions.csv")
    write_csv(made.items, folder / "items.csv")
    (folder / "pipeline.yaml").write_text(TINY.format(folder=folder))
    return folder


@pytest.fixture(scope="session")
def two_releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `make_folder` fills it, whose store holds two releases; only to be read."""
    folder = make_folder(tmp_path_factory.mktemp("released"))
    release(folder, as_of=datetime(2020, 9, 13, 16, tzinfo=UTC))
    release(folder, ["refresh.force=full"])
    return folder


@pytest.fixture
def own_releases(two_releases: Path, tmp_path: Path) -> Path:
    """A copy of `two_releases` that a test may change."""
    folder = tmp_path / "released"
    shutil.copytree(two_releases, folder)
    text = (folder / "pipeline.yaml").read_text()
    (folder / "pipeline.yaml").write_text(text.replace(str(two_releases), str(folder)))
    return folder


Sidflow = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def sidflow(server: str, world: Path) -> Sidflow:
    """Start `sidflow ARGUMENTS` in the world's folder."""
    return lambda *arguments: start_sidflow(server, world, *arguments)


def start_sidflow(server: str, folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start `sidflow ARGUMENTS` as a user would, in a folder, against a server."""
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "sidflow"), *arguments],
        cwd=folder,
        env={**os.environ, "PREFECT_API_URL": f"{server}/api", "PREFECT_HOME": str(folder / "prefect")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_heed_interrupts,
    )


def _heed_interrupts() -> None:
    """A shell's background jobs ignore SIGINT and hand that on; a user's command does not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
