"""Recall and NDCG of the whole pipeline on an Amazon 5-core set, over seeds, beside the published TIGER figures.

    sidflow fetch amazon-beauty
    python benchmarks/amazon.py [--interactions FILE --catalogue FILE] [--seeds 3] [--set section.key=value ...]

Each seed is one JSON file in the output folder, so that a stopped benchmark goes on where it was. Mining, quantiser and
decoder get the seed; the ingestion, histories, pairs and embeddings are shared through the store.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from result_rows import keep_row, kept_row

METRICS = ("recall@5", "recall@10", "ndcg@5", "ndcg@10")
TIGER_BEAUTY = {"recall@5": 0.0454, "recall@10": 0.0648, "ndcg@5": 0.0321, "ndcg@10": 0.0384}
"""Rajput et al. 2023, arXiv 2305.05065, table 1."""


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interactions", default="data/raw/amazon-beauty/interactions.csv")
    parser.add_argument("--catalogue", default="data/raw/amazon-beauty/items.csv")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/amazon"))
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = [run_seed(arguments, seed) for seed in range(arguments.seeds)]
    print_table(rows)


def run_seed(arguments: argparse.Namespace, seed: int) -> dict:
    """One run of the pipeline, or its row if it is there."""
    path = arguments.out / f"seed-{seed}.json"
    settings = [
        f"interactions.path={arguments.interactions}",
        f"catalogue.path={arguments.catalogue}",
        f"quantizer.seed={seed}",
        f"decoder.seed={seed}",
        *arguments.overrides,
    ]
    if row := kept_row(path, {"settings": settings}):
        return row
    command = [str(Path(sys.executable).parent / "sidflow"), "run", "--json", "--config", "benchmarks/amazon.yaml"]
    for each in settings:
        command += ["--set", each]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    summary = json.loads(done.stdout)
    row = {
        "seed": seed,
        "wall_seconds": round(time.perf_counter() - began, 1),
        "stages": {each["kind"]: 0 if each["cached"] else each["seconds"] for each in summary["artifacts"]},
        "metrics": summary["metrics"],
        "release": summary["release"],
        "machine": f"{platform.machine()}, {platform.system()}",
    }
    return keep_row(path, row, {"settings": settings})


def print_table(rows: list[dict]) -> None:
    """Mean and range over seeds, the baselines of the same runs, and the ratio to TIGER's paper (Beauty only)."""
    print(f"{'':28}" + "".join(f"{name:>22}" for name in METRICS))
    print_row("sidflow", [row["metrics"]["test"] for row in rows])
    for name in rows[0]["metrics"]["baselines"]:
        print_row(name.replace("_", " "), [row["metrics"]["baselines"][name] for row in rows])
    print_row("TIGER, paper (Beauty)", [TIGER_BEAUTY])
    means = {name: statistics.fmean(row["metrics"]["test"][name] for row in rows) for name in METRICS}
    print(f"{'sidflow / TIGER (Beauty)':28}" + "".join(f"{means[name] / TIGER_BEAUTY[name]:22.2f}" for name in METRICS))
    print("wall seconds by seed:", ", ".join(str(row["wall_seconds"]) for row in rows))


def print_row(name: str, values: list[dict]) -> None:
    """One model: mean, and least to greatest where there are several seeds."""
    cells = []
    for metric in METRICS:
        found = [each[metric] for each in values]
        spread = f" ({min(found):.4f}-{max(found):.4f})" if len(found) > 1 else ""
        cells.append(f"{statistics.fmean(found):.4f}{spread}")
    print(f"{name:28}" + "".join(f"{cell:>22}" for cell in cells))


if __name__ == "__main__":
    main()
