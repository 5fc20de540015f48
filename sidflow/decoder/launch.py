"""A decoder's training handed to several processes of this machine, which start and end together."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from sidflow import errors
from sidflow.config import DecoderConfig
from sidflow.decoder.files import load_decoder
from sidflow.decoder.fit import OnMetrics, OnProgress, Trained
from sidflow.semantic_ids.table import read_semantic_ids

Files = Mapping[str, Path]
LOOPBACK = "lo" if sys.platform == "linux" else "lo0"
MARK = "sidflow:"  # begins the lines by which a worker tells


class Request(NamedTuple):
    """What the workers are to train, by files alone: they map what they read, so memory is shared.

    Attributes:
        dataset: Files of the data set.
        embeddings: Files of the content vectors.
        config: Model and training settings.
        max_items: Most recent items of a history that the decoder sees.
        initial: Files of a previous decoder, its SID table among them; None trains from scratch.
        folder: Where an interrupted training finds its state; None keeps none.
    """

    dataset: Files
    embeddings: Files
    config: DecoderConfig
    max_items: int
    initial: Files | None = None
    folder: Path | None = None


def train_in_processes(
    request: Request, processes: int, on_progress: OnProgress | None = None, on_metrics: OnMetrics | None = None
) -> Trained:
    """What `train_decoder` makes of the request, by so many processes side by side.

    They share the processor's threads, or take one GPU each; should this process die, they end with it.

    Raises:
        SidflowError: What a worker raised; or that one was killed, with its exit code.
    """
    with tempfile.TemporaryDirectory(prefix="sidflow-decoder-") as place:
        out = Path(place)
        (out / "request.json").write_text(request_json(request))
        for kind, told in _run(out, processes):
            match kind:
                case "progress":
                    if on_progress:
                        on_progress(*told)
                case "row":
                    if on_metrics:
                        on_metrics(told)
                case _:
                    raise getattr(errors, told[0])(told[1])
        described = json.loads((out / "trained.json").read_text())
        decoder = load_decoder({each.name: each for each in out.iterdir()}, read_semantic_ids(request.dataset))
    return Trained(decoder, described["facts"], described["curve"], bytes.fromhex(described["key"]))


def request_json(request: Request) -> str:
    """What `read_request` reads."""
    files = {name: _names(each) for name, each in request._asdict().items() if isinstance(each, Mapping)}
    folder = None if request.folder is None else str(request.folder)
    config = request.config.model_dump(mode="json")
    return json.dumps({**request._asdict(), **files, "config": config, "folder": folder})


def read_request(folder: Path) -> Request:
    """The request that a worker finds in a folder."""
    stored = json.loads((folder / "request.json").read_text())
    files = {name: _paths(stored[name]) for name in ("dataset", "embeddings")}
    initial = None if stored["initial"] is None else _paths(stored["initial"])
    place = None if stored["folder"] is None else Path(stored["folder"])
    config = DecoderConfig.model_validate(stored["config"])
    return Request(**files, config=config, max_items=stored["max_items"], initial=initial, folder=place)


def _run(folder: Path, processes: int) -> Iterator[tuple[str, Any]]:
    """What the workers tell, until all have ended."""
    command = [sys.executable, "-m", "sidflow.decoder.worker", str(folder)]
    threads = str(max(1, torch.get_num_threads() // processes))
    names = {"WORLD_SIZE": str(processes), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", "OMP_NUM_THREADS": threads}
    names |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "GLOO_SOCKET_IFNAME": LOOPBACK}
    ranked = [{**os.environ, **names, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(processes)]
    receiver, sender = os.pipe()
    workers = [subprocess.Popen(command, stdout=sender, env=each) for each in ranked]
    os.close(sender)
    watcher = threading.Thread(target=_end_together, args=(workers,))
    watcher.start()
    try:
        with os.fdopen(receiver) as lines:
            for line in lines:
                if line.startswith(MARK):
                    kind, told = json.loads(line.removeprefix(MARK))
                    yield kind, told
        codes = [worker.wait() for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
        watcher.join()
    if any(codes):
        raise errors.SidflowError(
            f"decoder: {processes} processes of training ended with exit codes {codes}; what they wrote is above. Run "
            "again: training goes on where it was. Or set decoder.processes=1."
        )


def _end_together(workers: list["subprocess.Popen[bytes]"]) -> None:
    """Wait for all; when one fails, the others, which may wait for it, end too."""
    while any(worker.poll() is None for worker in workers):
        if any(worker.poll() for worker in workers):
            for worker in workers:
                worker.kill()
        time.sleep(0.1)


def _names(files: Files) -> dict[str, str]:
    return {name: str(path.resolve()) for name, path in files.items()}


def _paths(names: Mapping[str, str]) -> dict[str, Path]:
    return {name: Path(path) for name, path in names.items()}
