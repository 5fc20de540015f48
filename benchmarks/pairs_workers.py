"""Counting on two Dask workers beside one, the cluster already up.

    python benchmarks/pairs_workers.py [--tokens 1e9] [--workers 1 2] [--repeats 3]

The log is that of pairs.py. Timed is the first round of the stage `pairs` as the pipeline runs it: the log is shared
with the workers, every partition is counted, margins and totals come back; the pairs stay with the workers, where the
second round screens them. The numbers of workers take turns, and all must agree.
"""

import argparse
import statistics
import time

import numpy as np
from pairs import WINDOW, make_log  # beside this file

from sidflow.config import PairsConfig
from sidflow.config.learning import DaskConfig
from sidflow.pairs.cluster import open_workers
from sidflow.pairs.log import Log
from sidflow.pairs.mine import count_log


def main() -> None:
    """One row a number of workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=float, default=1e9)
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    offsets, items = make_log(arguments.tokens)
    log, n_items = Log(offsets, items, WINDOW), int(items.max()) + 1
    seconds: dict[int, list[float]] = {workers: [] for workers in arguments.workers}
    answers = set()
    for repeat in range(arguments.repeats):
        turn = arguments.workers if repeat % 2 == 0 else arguments.workers[::-1]
        for workers in turn:
            took, answer = measure(log, n_items, workers)
            seconds[workers].append(took)
            answers.add(answer)
    if len(answers) != 1:
        raise SystemExit(f"the workers disagree: {answers}")
    first = statistics.median(seconds[arguments.workers[0]])
    print(f"{arguments.tokens:.0e} tokens, {len(offsets) - 1:,} users, {n_items:,} items\n")
    print("| workers | seconds | times as fast | ns a token |")
    print("|---:|---:|---:|---:|")
    for workers, times in seconds.items():
        middle = statistics.median(times)
        print(
            f"| {workers} | {middle:.1f} ({min(times):.1f}-{max(times):.1f}) | {first / middle:.2f} "
            f"| {middle / arguments.tokens * 1e9:.0f} |"
        )


def measure(log: Log, n_items: int, workers: int) -> tuple[float, tuple[int, ...]]:
    """Seconds of one count, and what it found in total."""
    config = PairsConfig(window=log.window, dask=DaskConfig(workers=workers))
    small = Log(log.offsets[:101], log.items[: log.offsets[100]], log.window)
    with open_workers(config.dask) as opened:
        count_log(opened, small, n_items, config, config.min_support)  # every worker loads the compiled kernel
        began = time.perf_counter()
        _, found = count_log(opened, log, n_items, config, config.min_support)
        took = time.perf_counter() - began
    checksum = int((found.margins * np.arange(1, n_items + 1)).sum())
    return took, (found.tokens, found.observed, found.candidates, checksum)


if __name__ == "__main__":
    main()
