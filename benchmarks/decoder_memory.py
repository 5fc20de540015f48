"""Memory that the decoder's training adds to a process, by the length of the log, mapped files aside.

    python benchmarks/decoder_memory.py --events 1e6 1e7 1e8

Every log is written as the pipeline writes it, in shards of 100,000 users with about 50 events each, over 50,000 items;
every size is measured in a process of its own that takes a few steps, validates and stops. Linux only.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from held_memory import peak

from sidflow.config import DecoderConfig
from sidflow.dataset.build import Dataset, read_dataset
from sidflow.decoder.baselines import count_transitions, popularity
from sidflow.decoder.checkpoint import training_key
from sidflow.decoder.checks import check_training
from sidflow.decoder.fit import train_decoder
from sidflow.decoder.memory import build_memory
from sidflow.decoder.model import Decoder
from sidflow.decoder.selection import make_selection
from sidflow.decoder.team import Team
from sidflow.histories.blocks import user_blocks
from sidflow.histories.table import Histories, write_histories
from sidflow.pairs.table import Pairs
from sidflow.semantic_ids.table import SidTable, write_semantic_ids

ITEMS, LENGTH, WIDTH, STEPS = 50_000, 50, 64, 30
NO_PAIRS = Pairs(**{name: np.zeros(0, kind) for name, kind in {
    "a": np.int32, "b": np.int32, "support": np.int32, "expected": float, "pmi": float, "p_value": float,
    "significant": bool, "weight": np.float32, "heldout": bool,
}.items()})  # fmt: skip
SETTINGS = DecoderConfig(dim=32, layers=1, heads=2, epochs=1, validation_users=200)


class EnoughError(Exception):
    """So many steps show what there is to see."""


def main() -> None:
    """Write each log, measure it in a process of its own, print a row a step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=float, nargs="+", default=[1e6, 1e7, 1e8])
    parser.add_argument("--folder", type=Path, help="Where the logs are written for the time being; 13 bytes an event.")
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--write", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        return write_log(asked.write, asked.place)
    if asked.place:
        return print(json.dumps(measure(asked.place)))
    rows = []
    for events in asked.events:
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            here = [sys.executable, __file__, "--place", folder]
            subprocess.run([*here, "--write", str(int(events))], check=True)
            rows.append(json.loads(subprocess.run(here, check=True, stdout=subprocess.PIPE).stdout))
    print("| MiB added by | " + " | ".join(f"{events:.0e} events" for events in asked.events) + " |")
    print("|---|" + "---:|" * len(rows))
    for name in rows[0]:
        print(f"| {name} | " + " | ".join(str(row[name]) for row in rows) + " |")


def write_log(events: int, folder: Path) -> None:
    """A log of so many events with Zipf-like items, and a SID table."""
    generator = np.random.default_rng(0)
    lengths = np.minimum(2 + generator.geometric(1 / (LENGTH - 2), events // LENGTH), 1_000).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    items = np.empty(offsets[-1], np.int32)
    for start in range(0, len(items), 1 << 22):
        size = len(items[start : start + (1 << 22)])
        items[start : start + size] = np.minimum(generator.pareto(1.0, size) * 300, ITEMS - 1)
    users = pa.array([f"u{each:09d}" for each in range(len(lengths))], pa.string())
    ids = pa.array([f"i{each:06d}" for each in range(ITEMS)], pa.string())
    ones = np.ones(len(lengths), np.int32)
    times = np.arange(len(items), dtype=np.int64)
    histories = Histories(users, offsets, items, times, (lengths - 2).astype(np.int32), ones, ids)
    write_histories(histories, folder, 100_000)
    codes = np.stack([np.arange(ITEMS) // 256, np.arange(ITEMS) % 256], 1).astype(np.int16)
    write_semantic_ids(SidTable(ids, codes, (196, 256)), folder)


def measure(folder: Path) -> dict[str, Any]:
    """MiB that each step adds at most to what the process held before it."""
    files = {each.name: each for each in folder.iterdir()}
    vectors = np.random.default_rng(1).standard_normal((ITEMS, WIDTH)).astype(np.float32)
    found: dict[str, Any] = {}
    with peak(found, "reading"):
        dataset = read_dataset(files)
    few = replace(dataset, histories=next(user_blocks(dataset.histories, 50_000)))
    train(few, vectors, folder, 1)  # what torch and numba take once and for all
    steps: dict[str, Callable[[], object]] = {
        "checks": lambda: check_training(dataset, vectors),
        "popularity": lambda: popularity(dataset.histories),
        "the checkpoint's key": lambda: training_key(dataset, vectors, SETTINGS, 50, None, Team()),
        "training, all of the above": lambda: train(dataset, vectors, folder, STEPS),
        "(rescoring: the memory)": lambda: build_memory(dataset.histories, NO_PAIRS),
        "(evaluation: transitions)": lambda: count_transitions(dataset.histories),
    }
    for name, step in steps.items():
        began = time.perf_counter()
        with peak(found, name):
            step()
        print(f"{len(dataset.histories.items):,} events, {name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)
    return found


def train(dataset: Dataset, vectors: np.ndarray, folder: Path, steps: int) -> None:
    """Some steps, the state noted on disk, and a validation."""

    def stop(done: int, total: int) -> None:
        if done == steps:
            raise EnoughError

    noted = SETTINGS.model_copy(update={"checkpoint_seconds": 0.5})
    try:
        train_decoder(dataset, vectors, noted, 50, on_progress=stop, folder=folder)
    except EnoughError:
        decoder = Decoder(dataset.sids, WIDTH, SETTINGS, 50)
        make_selection(decoder, dataset, vectors, Team()).consider(decoder, 1)


if __name__ == "__main__":
    main()
