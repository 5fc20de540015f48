"""The decoder's task: what it leaves beside the model, killed or not, in one process or two."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sidflow.artifacts import Store
from sidflow.artifacts.checkpoint import FILE
from sidflow.release import Release
from tests.conftest import make_folder
from tests.released import release

EPOCHS = ["decoder.epochs=12", "decoder.validate_every=2", "decoder.patience=0"]
RUN = """
import sys
from pathlib import Path
from tests.released import release
release(Path(sys.argv[1]), sys.argv[2:])
"""


def same_environment() -> dict[str, str]:
    """For processes whose bits are compared: all compute with as many threads."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}


def released_apart(folder: Path, settings: list[str]) -> Release:
    """A release that another process makes."""
    subprocess.run([sys.executable, "-c", RUN, folder, *settings], env=same_environment(), check=True)
    return release(folder, settings)  # finds it


def store_of(folder: Path) -> Store:
    """The folder's store."""
    return Store(str(folder / "store"))


def rows_of(folder: Path, made: Release) -> list[dict[str, Any]]:
    """The curve beside the release's decoder."""
    lines = store_of(folder).files(made.artifact("decoder"))["beside/metrics.jsonl"].read_text().splitlines()
    return [json.loads(line) for line in lines]


def weights(folder: Path, made: Release) -> bytes:
    """The decoder's file."""
    return store_of(folder).files(made.artifact("decoder"))["decoder.safetensors"].read_bytes()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Release]:
    """A folder with a release that was left alone."""
    folder = make_folder(tmp_path_factory.mktemp("plain"))
    return folder, released_apart(folder, EPOCHS)


def test_metrics_are_kept_row_by_row(plain: tuple[Path, Release]) -> None:
    """Loss, learning rate, throughput and validation metrics of every second epoch; no state is left."""
    rows = rows_of(*plain)
    assert [row["epoch"] for row in rows] == [2, 4, 6, 8, 10, 12]
    told = {"epoch", "step", "lr", "positions", "seconds", "positions_per_second", "loss_levels", "loss_dense"}
    assert all(told | {"recall@10", "ndcg@10"} <= set(row) for row in rows)
    assert not list(store_of(plain[0]).cache_folder("decoder").iterdir())


@pytest.mark.slow
def test_a_killed_run_goes_on(plain: tuple[Path, Release], tmp_path: Path) -> None:
    """SIGKILL while the decoder trains; the next run gives the bits of one that was left alone, every row once."""
    folder = make_folder(tmp_path)
    environment = same_environment()
    settings = [*EPOCHS, "decoder.checkpoint_seconds=0"]
    killed = subprocess.Popen([sys.executable, "-c", RUN, folder, *settings], env=environment)
    while not any(path.stat().st_size for path in folder.glob("store/artifacts/decoder/*/attempts/*/beside/*.jsonl")):
        assert killed.poll() is None
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert (store_of(folder).cache_folder("decoder") / FILE).exists()
    made = released_apart(folder, settings)
    assert [row["epoch"] for row in rows_of(folder, made)] == [2, 4, 6, 8, 10, 12]
    assert weights(folder, made) == weights(*plain)
    assert not list(store_of(folder).cache_folder("decoder").iterdir())


KILLED_IN_RESCORING = """
import os, signal
import tasks.train_decoder as task
task.fit_rescorer = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_run_killed_in_rescoring_trains_nothing_again(plain: tuple[Path, Release], tmp_path: Path) -> None:
    """SIGKILL when training has ended: the next run tells the same rows, their clocks too, and gives the same bits."""
    folder = make_folder(tmp_path)
    environment = same_environment()
    command = [sys.executable, "-c", KILLED_IN_RESCORING + RUN, str(folder), *EPOCHS]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    (told,) = folder.glob("store/artifacts/decoder/*/attempts/*/beside/metrics.jsonl")
    rows = [json.loads(line) for line in told.read_text().splitlines()]
    made = released_apart(folder, EPOCHS)
    assert len(rows) == 6 and rows_of(folder, made) == rows
    assert weights(folder, made) == weights(*plain)
    assert not list(store_of(folder).cache_folder("decoder").iterdir())


@pytest.mark.slow
def test_two_processes_make_the_same_artifact(plain: tuple[Path, Release], tmp_path: Path) -> None:
    """A recipe does not say how many processes train; the manifest does, and the curve is whole."""
    folder = make_folder(tmp_path)
    made = release(folder, [*EPOCHS, "decoder.processes=2"])
    facts = store_of(folder).manifest(made.artifact("decoder")).metrics
    assert facts["processes"] == 2 and facts["rescoring"]
    assert len(rows_of(folder, made)) == 6
    assert made.artifact("decoder").fingerprint == plain[1].artifact("decoder").fingerprint
