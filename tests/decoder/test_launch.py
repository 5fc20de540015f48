"""Training handed to processes of its own: the same product, what they say, and how they end."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sidflow.artifacts.checkpoint import FILE
from sidflow.decoder.fit import forget_training
from sidflow.decoder.launch import Request, read_request, request_json, train_in_processes
from sidflow.embedding.table import Embeddings, write_embeddings
from sidflow.errors import SidflowError, TrainingDiverged
from sidflow.histories.table import write_histories
from sidflow.semantic_ids.table import write_semantic_ids
from tests.decoder.worlds import SMALL, planted_dataset


def ask(folder: Path, **changes: object) -> Request:
    """The small world as files."""
    dataset, vectors = planted_dataset()
    places = {name: folder / name for name in ("dataset", "embeddings", "state")}
    for each in places.values():
        each.mkdir()
    write_histories(dataset.histories, places["dataset"], 1_000)
    write_semantic_ids(dataset.sids, places["dataset"])
    write_embeddings(Embeddings(dataset.sids.item_ids, vectors), places["embeddings"])
    mapped, content = ({each.name: each for each in places[name].iterdir()} for name in ("dataset", "embeddings"))
    return Request(mapped, content, SMALL.model_copy(update=changes), 6, None, places["state"])


def test_a_request_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Without a previous decoder, and with one and without a folder for the state."""
    first = ask(tmp_path)
    for request in (first, first._replace(initial=first.dataset, folder=None)):
        (tmp_path / "request.json").write_text(request_json(request))
        assert read_request(tmp_path) == request


@pytest.mark.slow
def test_two_processes_are_started_and_heard(tmp_path: Path) -> None:
    """Steps and rows arrive in order, the decoder belongs to the data set, the state waits to be forgotten."""
    request = ask(tmp_path, epochs=4, lr=5e-3)
    steps: list[tuple[int, int]] = []
    rows: list[dict[str, Any]] = []
    trained = train_in_processes(request, 2, lambda done, total: steps.append((done, total)), rows.append)
    count = trained.facts["steps"]
    assert [done for done, _ in steps] == [*range(1, count + 1), count]
    assert rows == trained.curve and len(rows) == 4 and rows[-1]["loss_levels"] < rows[0]["loss_levels"]
    assert trained.facts["processes"] == 2 and not trained.decoder.training
    assert trained.decoder.digest == planted_dataset()[0].sids.digest()
    assert [each.name for each in (tmp_path / "state").iterdir()] == [FILE]
    forget_training(tmp_path / "state", trained)
    assert not list((tmp_path / "state").iterdir())


@pytest.mark.slow
def test_what_a_worker_raises_is_raised(tmp_path: Path) -> None:
    """The same error with the same message as in one process."""
    with pytest.raises(TrainingDiverged, match=r"both must be finite\. Lower decoder\.lr"):
        train_in_processes(ask(tmp_path, lr=1e37, epochs=20), 2)


@pytest.mark.slow
def test_finite_divergence_ends_all(tmp_path: Path) -> None:
    """All processes stop at the same step, by the losses of the whole batch."""
    with pytest.raises(TrainingDiverged, match=r"allowed is 30 times that\. Lower decoder\.lr"):
        train_in_processes(ask(tmp_path, lr=10.0, epochs=20), 2)


@pytest.mark.slow
def test_a_worker_that_cannot_start_ends_all(tmp_path: Path) -> None:
    """A file that is gone: the exit codes are told, nobody waits for anybody."""
    request = ask(tmp_path)
    next(iter(request.embeddings.values())).unlink()
    with pytest.raises(SidflowError, match=r"2 processes of training ended with exit codes .* decoder\.processes=1"):
        train_in_processes(request, 2)


PARENT = """
import sys
from pathlib import Path
from sidflow.decoder.launch import read_request, train_in_processes
train_in_processes(read_request(Path(sys.argv[1])), 2, lambda done, total: print(done, flush=True))
"""


@pytest.mark.slow
def test_nobody_outlives_who_started_them(tmp_path: Path) -> None:
    """SIGKILL of the process that asked: the workers end, which shows in that nobody holds its error output open.

    They leave no folder in the temporary place either.
    """
    (tmp_path / "request.json").write_text(request_json(ask(tmp_path, epochs=100_000, patience=0)))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", PARENT, tmp_path]
    parent = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert parent.stdout is not None and parent.stdout.readline()
    assert list(temporary.glob("sidflow-decoder-*"))
    parent.kill()
    parent.communicate(timeout=60)
    assert parent.returncode == -signal.SIGKILL
    assert not list(temporary.glob("sidflow-decoder-*"))
