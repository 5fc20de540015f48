"""What fitting, assigning and making unique cost against the number of items, on synthetic clustered embeddings.

    python benchmarks/quantizer_scale.py [--sizes 1e4 1e5 1e6] [--threads 2] [--set key=value ...]

The embeddings lie in an Arrow file as the stage writes it, and are read through its memory map. Each size is a process
of its own and one JSON file in the output folder, so that a stopped benchmark goes on where it was. Memory is what the
process holds beside the mapped file, sampled every 20 ms: its libraries, which are there before the first call, and
what each step adds at its peak.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from held_memory import held_mib, peak
from result_rows import Row, keep_row, kept_row
from synthetic_embeddings import DIMENSIONS, make_embeddings, make_pairs

GOALS = {"fit": 30 * 60, "assign": 30, "unique": 2 * 60}  # seconds at 1e6 items, on two cores


def main() -> None:
    """Measure what is missing, then print the table and draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", type=float, default=[1e4, 3e4, 1e5, 3e5, 1e6])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/quantizer_scale"))
    parser.add_argument("--set", action="append", default=[], dest="settings", help="a setting of section quantizer")
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--make", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        make_embeddings(int(arguments.make), arguments.out)
    elif arguments.one:
        print(json.dumps(measure(int(arguments.one), arguments)))
    else:
        arguments.out.mkdir(parents=True, exist_ok=True)
        rows = [run_size(size, arguments) for size in arguments.sizes]
        print_table(rows)
        draw(rows, arguments.out / "quantizer_scale.png")


def run_size(size: float, arguments: argparse.Namespace) -> Row:
    """One size in processes of its own, or its row if it is there."""
    path = arguments.out / f"items-{int(size)}.json"
    made_from = {"items": int(size), "threads": arguments.threads, "settings": arguments.settings}
    if found := kept_row(path, made_from):
        return found
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(arguments.threads))
    command = [sys.executable, __file__, "--out", str(arguments.out), "--threads", str(arguments.threads)]
    for each in arguments.settings:
        command += ["--set", each]
    subprocess.run([*command, "--make", str(size)], check=True)
    command += ["--one", str(size)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    (arguments.out / "embeddings.arrow").unlink()
    row: Row = json.loads(answer.stdout.splitlines()[-1])
    print(f"{size:,.0f} items: {row['seconds']}", file=sys.stderr)
    return keep_row(path, row, made_from)


def measure(items: int, arguments: argparse.Namespace) -> Row:
    """Seconds and peak memory of each step, and what the codes look like."""
    import torch

    from sidflow.config import QuantizerConfig
    from sidflow.embedding.table import FILE, read_embeddings
    from sidflow.quantizer.fit import fit_quantizer
    from sidflow.semantic_ids.unique import make_unique

    torch.set_num_threads(arguments.threads)
    embeddings = read_embeddings({FILE: arguments.out / FILE})
    settings = dict(each.split("=", 1) for each in arguments.settings)
    config = QuantizerConfig.model_validate({name: json.loads(value) for name, value in settings.items()})
    vectors, pairs = embeddings.vectors, make_pairs(items)
    row: Row = {"items": items, "threads": arguments.threads, "seconds": {}, "added_mib": {}}
    row["libraries_mib"] = round(held_mib())

    def timed(name: str, call: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        with peak(row["added_mib"], name):
            result = call()
        row["seconds"][name] = round(time.perf_counter() - began, 2)
        return result

    fitted = timed("fit", lambda: fit_quantizer(vectors, pairs, config))
    quantizer = fitted.quantizer
    latents, codes = timed("assign", lambda: encode_and_assign(quantizer, vectors))
    unique = timed("unique", lambda: make_unique(quantizer, latents, codes, embeddings.item_ids))
    row["codes"] = {name: fitted.facts["codes"][name] for name in ("usage", "perplexity", "explained_variance")}
    row["peak_rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return row | {"unique": unique.facts}


def encode_and_assign(quantizer: Any, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latents and codes of all items."""
    latents = quantizer.encode(vectors)
    return latents, quantizer.assign(latents)


def print_table(rows: list[Row]) -> None:
    """Seconds and memory of each step by size, then the goals."""
    print(f"{rows[0]['threads']} thread(s), {DIMENSIONS} dimensions, 3 x 256 codes unless set otherwise\n")
    print("| items | fit s | assign s | unique s | fit MiB | assign MiB | unique MiB | distinct | moved | distortion |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        seconds, added, unique = row["seconds"], row["added_mib"], row["unique"]
        print(
            f"| {row['items']:.0e} | {seconds['fit']:.1f} | {seconds['assign']:.2f} | {seconds['unique']:.2f} "
            f"| {added['fit']:,} | {added['assign']:,} | {added['unique']:,} | {unique['natural_unique_share']:.4f} "
            f"| {unique['repaired_share']:.2%} | {unique['distortion_ratio']:.4f} |"
        )
    last = rows[-1]
    print(f"\nLibraries before the first call: {last['libraries_mib']:,} MiB; peak RSS with the mapped file: ", end="")
    print(f"{last['peak_rss_mib']:,} MiB at {last['items']:.0e}.")
    if last["items"] == 1e6:
        for name, limit in GOALS.items():
            took = last["seconds"][name]
            print(f"{name} of 1e6 items in under {limit} s: {took:.1f} s, {'met' if took < limit else 'NOT MET'}")


def draw(rows: list[Row], path: Path) -> None:
    """Seconds against items, both logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    for name in GOALS:
        axes.loglog([row["items"] for row in rows], [row["seconds"][name] for row in rows], "o-", label=name)
    axes.set(xlabel="items", ylabel="seconds", title="Cost of a quantiser against the size of the catalogue")
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
