"""What each part of the quantiser brings: every variant fitted on one log, its codes measured, a short decoder trained.

    sidflow fetch amazon-beauty
    python benchmarks/quantizer.py [--interactions FILE --catalogue FILE] [--seeds 3] [--only NAME ...]

The log is read, mined and embedded once, through the store of benchmarks/amazon.yaml. A fit and a decoder are one JSON
file each for every variant and seed in the output folder, so that a stopped benchmark goes on where it was; --table
prints what is there. A file names what it was made from: one of other data or settings is refused. Everything is
learned from training events; lift and Recall are of held-out ones.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from quantizer_measures import heldout_lift, shipped_decoder, short_decoder
from quantizer_table import print_goals, print_shipped, print_table
from quantizer_variants import VARIANTS, all_pairs, fit_variant
from result_rows import Row, keep_row, kept_row

from flows.refresh import run_stages
from flows.steps import Steps
from sidflow.artifacts import Store
from sidflow.config import Config, QuantizerConfig, load_config
from sidflow.dataset.build import Dataset
from sidflow.embedding.table import read_embeddings
from sidflow.histories.table import Histories, read_histories
from sidflow.pairs.table import Pairs, read_pairs
from sidflow.quantizer.diagnostics import describe_codes
from sidflow.quantizer.variance import embedding_variance, explained_variance
from sidflow.semantic_ids.table import SidTable
from sidflow.semantic_ids.unique import make_unique

SPREAD = ("default", "default-none", "default-all", "plain", "kmeans", "kmeans-pmi", "previous")
"""Variants with all seeds, those that the goals and the choice of the default compare; the others get one."""


class Inputs(NamedTuple):
    """What every variant reads."""

    histories: Histories
    vectors: np.ndarray  # (N, D)
    item_ids: pa.Array
    pairs: dict[str, Pairs | None]
    quantizer: QuantizerConfig
    made_from: Row  # fingerprints of the above


def main() -> None:
    """Run what is missing, the comparisons of the goals first, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interactions", default="data/raw/amazon-beauty/interactions.csv")
    parser.add_argument("--catalogue", default="data/raw/amazon-beauty/items.csv")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8, help="of the decoder; 0 trains none")
    parser.add_argument("--shipped", nargs="*", choices=VARIANTS, default=[], help="train the pipeline's decoder too")
    parser.add_argument("--shipped-epochs", type=int, default=30)
    parser.add_argument("--only", nargs="*", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--table", action="store_true", help="print what is there, run nothing")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/quantizer"))
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    if not arguments.table:
        arguments.out.mkdir(parents=True, exist_ok=True)
        files = [f"interactions.path={arguments.interactions}", f"catalogue.path={arguments.catalogue}"]
        inputs = read_inputs(load_config("benchmarks/amazon.yaml", [*files, *arguments.overrides]))
        for name, seed in run_order(arguments.only, arguments.seeds):
            run(name, seed, inputs, arguments)
    rows = read_rows(arguments.out)
    print_table(rows)
    print_shipped(rows)
    print_goals(rows)


def run_order(names: list[str], seeds: int) -> list[tuple[str, int]]:
    """Variants and seeds: those of the goals, then the others, then further seeds."""
    spread = [name for name in SPREAD if name in names]
    singles = [name for name in names if name not in SPREAD]
    return [(name, 0) for name in [*spread, *singles]] + [(name, seed) for seed in range(1, seeds) for name in spread]


def read_inputs(config: Config) -> Inputs:
    """Histories, embeddings and pairs of a log, through the store."""
    steps = Steps(Store(config.store.root), until="embeddings", direct=True)
    run_stages(steps, config, None)
    files = {kind: steps.store.files(artifact) for kind, artifact in steps.artifacts.items()}
    histories, embeddings = read_histories(files["histories"]), read_embeddings(files["embeddings"])
    mined = read_pairs(files["pairs"], embeddings.item_ids)
    pairs = {"none": None, "significant": mined, "all": all_pairs(histories, config.pairs)}
    made_from = {kind: steps.artifacts[kind].fingerprint for kind in ("histories", "embeddings", "pairs")}
    made_from |= {"quantizer": config.quantizer.identity()}
    return Inputs(histories, embeddings.vectors, embeddings.item_ids, pairs, config.quantizer, made_from)


def run(name: str, seed: int, inputs: Inputs, arguments: argparse.Namespace) -> None:
    """The fit and the decoder of one variant and seed, where they are not there."""
    fit, table = (arguments.out / f"fit-{name}-{seed}.{ending}" for ending in ("json", "npz"))
    made_from = inputs.made_from | {"variant": asdict(VARIANTS[name]), "seed": seed}
    if not kept_row(fit, made_from):
        row, sids = fit_row(name, seed, inputs)
        np.savez(table, codes=sids.codes, sizes=sids.sizes)
        keep_row(fit, row, made_from)
        print(name, seed, row["perplexity"], row["lift"], flush=True)
    stored = np.load(table)
    sids = SidTable(inputs.item_ids, stored["codes"], tuple(stored["sizes"].tolist()))
    dataset, vectors = Dataset(inputs.histories, sids), inputs.vectors
    if arguments.epochs:
        path = arguments.out / f"decoder-{name}-{seed}.json"
        measure = partial(short_decoder, dataset, vectors, arguments.epochs, seed)
        write_missing(path, measure, made_from | {"epochs": arguments.epochs})
    if name in arguments.shipped:
        path, mined = arguments.out / f"shipped-{name}-{seed}.json", inputs.pairs["significant"]
        measure = partial(shipped_decoder, dataset, vectors, mined, arguments.shipped_epochs, seed)
        write_missing(path, measure, made_from | {"epochs": arguments.shipped_epochs})


def write_missing(path: Path, measure: Callable[[], Row], made_from: Row) -> None:
    """Measure a decoder where its file is not there."""
    if not kept_row(path, made_from):
        row = keep_row(path, measure(), made_from)
        print(path.stem, row["validation"], row["test"], flush=True)


def fit_row(name: str, seed: int, inputs: Inputs) -> tuple[Row, SidTable]:
    """A variant's codes, measured before collisions are settled, and the SID table after."""
    variant, began = VARIANTS[name], time.perf_counter()
    quantizer, revived = fit_variant(variant, inputs.vectors, inputs.pairs, inputs.quantizer, seed)
    seconds = time.perf_counter() - began
    latents = quantizer.encode(inputs.vectors)
    codes = quantizer.assign(latents)
    mode = "unique" if len(quantizer.sizes) > 1 else "suffix"  # one level cannot tell all items apart
    settled = make_unique(quantizer, latents, codes, inputs.item_ids, mode)
    described = describe_codes(codes, quantizer.sizes)
    row = {name: described[name] for name in ("usage", "perplexity", "unique_share", "max_bucket")} | {
        "variant": name,
        "seed": seed,
        "seconds": round(seconds, 1),
        "revived": revived,
        "explained": explained_variance(quantizer, latents, codes),
        "text_variance": embedding_variance(inputs.vectors, codes)[-1],
        "lift": heldout_lift(inputs.histories, codes),
        "repair": settled.facts,
    }
    return row, SidTable(inputs.item_ids, settled.codes, settled.sizes)


def read_rows(folder: Path) -> list[Row]:
    """All rows that are there, in the order of the variants, each with its decoders' rows or None."""
    rows = []
    for path in folder.glob("fit-*.json"):
        decoders = {kind: _read(folder / path.name.replace("fit", kind, 1)) for kind in ("decoder", "shipped")}
        rows.append(json.loads(path.read_text()) | decoders)
    names = list(VARIANTS)
    return sorted(rows, key=lambda row: (names.index(row["variant"]), row["seed"]))


def _read(path: Path) -> Row | None:
    return json.loads(path.read_text()) if path.exists() else None


if __name__ == "__main__":
    main()
