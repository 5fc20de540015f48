"""One of several processes that train a decoder: what `sidflow.decoder.launch` starts."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import torch

from sidflow.dataset.build import read_dataset
from sidflow.decoder.files import load_decoder, save_decoder
from sidflow.decoder.fit import train_decoder
from sidflow.decoder.launch import MARK, read_request
from sidflow.decoder.team import launched_team
from sidflow.embedding.table import read_embeddings
from sidflow.errors import SidflowError
from sidflow.semantic_ids.table import read_semantic_ids


def work(folder: Path) -> None:
    """Train what `request.json` in the folder asks for; the first process writes the decoder beside it."""
    meet(folder)
    request = read_request(folder)
    data, vectors = read_dataset(request.dataset), read_embeddings(request.embeddings).vectors
    initial = load_decoder(request.initial, read_semantic_ids(request.initial)) if request.initial else None
    trained = train_decoder(
        data,
        vectors,
        request.config,
        request.max_items,
        initial,
        lambda done, total: _tell("progress", [done, total]),
        lambda row: _tell("row", row),
        request.folder,
    )
    if launched_team().is_main:
        save_decoder(trained.decoder, folder)
        told = {"facts": trained.facts, "curve": trained.curve, "key": trained.key.hex()}
        (folder / "trained.json").write_text(json.dumps(told))
    torch.distributed.destroy_process_group()


def meet(folder: Path) -> None:
    """Join the other processes through a file: the usual store would listen on all of the machine's addresses."""
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    place = (folder / "meeting").as_uri()
    torch.distributed.init_process_group(backend, init_method=place, rank=rank, world_size=size)


def _tell(kind: str, what: Any) -> None:
    """A line for who started us; if nobody reads it any more, this process ends, and its peers with it."""
    sys.stdout.write(f"{MARK}{json.dumps([kind, what])}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        work(Path(sys.argv[1]))
    except SidflowError as error:
        _tell("error", [type(error).__name__, str(error)])
        sys.exit(error.exit_code)
    except BrokenPipeError:  # who started us was killed, and cannot remove the folder any more
        shutil.rmtree(sys.argv[1], ignore_errors=True)
        raise
