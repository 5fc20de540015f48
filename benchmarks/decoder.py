"""The decoder beside what it should beat: Recall and NDCG by full ranking, on an Amazon 5-core set.

    sidflow fetch amazon-beauty
    python benchmarks/decoder.py [--interactions FILE --catalogue FILE] [--seeds 3] [--only ROW ...] [--table]

SIDs come from the pipeline itself, under each row's settings. A row and a seed are one JSON file in the output folder,
so that a stopped benchmark goes on where it was; ranks of the test targets lie beside it, for paired differences. A row
names what it was made from: one of other data or settings is refused.
Models are selected on validation targets; test targets are ranked once, at the end. The curves of the trainings are
drawn into curves.svg.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from decoder_measures import measure
from decoder_rows import ROWS, Row
from decoder_table import draw_curves, print_tables
from result_rows import keep_row, kept_row
from sasrec import GRID

from flows.refresh import run_stages
from flows.steps import Steps
from sidflow.artifacts import Store
from sidflow.config import Config, load_config
from sidflow.dataset.build import Dataset, read_dataset
from sidflow.embedding.table import read_embeddings
from sidflow.pairs.table import Pairs, read_pairs


class Inputs(NamedTuple):
    """What a row is made from."""

    dataset: Dataset
    vectors: np.ndarray  # (N, D)
    pairs: Pairs
    config: Config


def main() -> None:
    """Run what is missing, the shipped default first, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interactions", default="data/raw/amazon-beauty/interactions.csv")
    parser.add_argument("--catalogue", default="data/raw/amazon-beauty/items.csv")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=30, help="of TIGER's training")
    parser.add_argument("--only", nargs="*", choices=ROWS, default=list(ROWS))
    parser.add_argument("--table", action="store_true", help="print what is there, run nothing")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/decoder"))
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if not arguments.table:
        for name, seed in run_order(arguments.only, arguments.seeds):
            run(name, seed, arguments)
    found = read_rows(arguments.out)
    print_tables(found, arguments.out)
    draw_curves(found, arguments.out / "curves.svg")


def run_order(names: list[str], seeds: int) -> list[tuple[str, int]]:
    """Every row once, then further seeds of those that get them."""
    return [(name, 0) for name in names] + [
        (name, seed) for seed in range(1, seeds) for name in names if ROWS[name].spread
    ]


def run(name: str, seed: int, arguments: argparse.Namespace) -> None:
    """One row, if it is not there."""
    row, path = ROWS[name], arguments.out / f"{name}-{seed}.json"
    best = tuned(arguments.out) if row.model == "sasrec" and not row.sasrec else row.sasrec
    inputs, made_from = read_inputs(row, seed, arguments)
    made_from |= {"model": row.model, "content": row.content, "seed": seed}
    if row.model == "tiger":
        made_from["minutes"] = arguments.minutes
    if best:
        made_from["sasrec"] = asdict(GRID[best])
    if kept_row(path, made_from):
        return
    tried = kept_row(arguments.out / f"tune-{best}-{seed}.json", made_from) if name == "sasrec" else None
    if tried:  # trained already, when settings were tried
        facts, ranks = tried, dict(np.load(arguments.out / f"tune-{best}-{seed}.npz"))
    else:
        began, spent = time.perf_counter(), time.process_time()
        facts, ranks = measure(row, inputs, seed, arguments.minutes, GRID[best] if best else None)
        facts |= {"wall_seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - spent}
    np.savez_compressed(path.with_suffix(".npz"), **ranks)
    keep_row(path, facts | {"name": name, "seed": seed}, made_from)
    print(name, seed, facts["validation"], facts["test"], flush=True)


def tuned(folder: Path) -> str:
    """The settings of SASRec that find unseen validation targets best, by NDCG@10, of all that are to be tried."""
    tried = [row for row in read_rows(folder) if ROWS[row["name"]].group == "tuning"]
    missing = set(GRID) - {str(ROWS[row["name"]].sasrec) for row in tried}
    if missing:
        raise SystemExit(f"Settings of SASRec not tried yet: run rows tune-... first: {', '.join(sorted(missing))}.")
    best = max(tried, key=lambda row: float(row["validation_unseen"]["ndcg@10"]))
    return str(ROWS[best["name"]].sasrec)


def read_inputs(row: Row, seed: int, arguments: argparse.Namespace) -> tuple[Inputs, dict[str, Any]]:
    """The pipeline up to the data set, through the store; and what a row that is made from it depends on."""
    files = [f"interactions.path={arguments.interactions}", f"catalogue.path={arguments.catalogue}"]
    seeds = [f"quantizer.seed={seed}", f"decoder.seed={seed}"]
    config = load_config("benchmarks/amazon.yaml", [*files, *row.settings, *seeds, *arguments.overrides])
    steps = Steps(Store(config.store.root), until="dataset", direct=True)
    run_stages(steps, config, None)
    made = {kind: steps.store.files(artifact) for kind, artifact in steps.artifacts.items()}
    dataset = read_dataset(made["dataset"])
    pairs = read_pairs(made["pairs"], dataset.sids.item_ids)
    made_from: dict[str, Any] = {kind: steps.artifacts[kind].fingerprint for kind in ("dataset", "embeddings", "pairs")}
    if row.model == "decoder":
        made_from |= {"decoder": config.decoder.identity(), "evaluation": config.evaluation.identity()}
    return Inputs(dataset, read_embeddings(made["embeddings"]).vectors, pairs, config), made_from


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """All rows that are there, in the order of the table; a file of a row that is no more is passed over."""
    found = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    rows, names = [row for row in found if row["name"] in ROWS], list(ROWS)
    return sorted(rows, key=lambda row: (names.index(row["name"]), row["seed"]))


if __name__ == "__main__":
    main()
