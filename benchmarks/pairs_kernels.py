"""Ways to count pairs that were tried, beside the one that is used, and where that one spends its time.

    python benchmarks/pairs_kernels.py [--sizes 1e6 1e7 1e8 1e9] [--repeats 3]

The logs and the harness are those of pairs.py: one thread, a process per measurement, results compared by checksum.
`sorted keys` writes every pair token down as a 64-bit key, sorts and counts runs; `plain counter` is one dense counter
an item over an inverted index, written the obvious way; sidflow's adds reading ahead and gathering without branches.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pairs as bench  # beside this file
from numba import njit

from sidflow.pairs import kernel
from sidflow.pairs.count import count_partition, item_ranges
from sidflow.pairs.log import Log, frozen

SORTED_UP_TO = 1e8  # 8 bytes a token, and as much again for what has been sorted


def main() -> None:
    """The candidates' table, then the profile's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=float, default=[1e6, 1e7, 1e8, 1e9])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/pairs_kernels"))
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "TOKENS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    candidates: dict[str, bench.Method] = {
        "plain counter": (warm_plain, plain),
        "sorted keys": (warm_sorted, sorted_keys),
    }
    bench.METHODS.update(candidates)
    bench.TOO_SLOW["sorted keys"] = SORTED_UP_TO
    if arguments.one:
        print(json.dumps(bench.measure(arguments.one[0], float(arguments.one[1]))))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    names = ("sidflow", *candidates)
    rows = [bench.run(name, size, arguments, __file__) for size in arguments.sizes for name in names]
    bench.print_table([row for row in rows if row is not None])
    print("\n| tokens | ns a token | inverted index | meeting pairs | the rest: sorting and writing them |")
    print("|---:|---:|---:|---:|---:|")
    for size in arguments.sizes:
        runs = [profile(size) for _ in range(arguments.repeats)]
        whole, index, meeting = (statistics.median(column) for column in zip(*runs, strict=True))
        shares = (index / whole, meeting / whole, 1 - (index + meeting) / whole)
        print(f"| {size:.0e} | {whole / size * 1e9:.1f} | " + " | ".join(f"{share:.0%}" for share in shares) + " |")
        print(f"profile at {size:.0e} done", file=sys.stderr)


def profile(tokens: float) -> tuple[float, float, float]:
    """Processor seconds of the whole count, of its inverted indices, and of meeting pairs."""
    offsets, items = bench.make_log(tokens)
    log, n_items = bench.warm_ours(offsets, items), int(items.max()) + 1
    arrays = (frozen(offsets), frozen(items))
    index = meeting = whole = 0.0
    small = kernel._invert(frozen(offsets[:2]), frozen(items[: offsets[1]]), 0, n_items)
    meet_range(*arrays, *small, bench.WINDOW, n_items, 0, 1)  # compiles
    for low, high in item_ranges(items, n_items, bench.PARTITIONS):
        began = time.process_time()
        inverted = kernel._invert(*arrays, low, high)
        index += (met := time.process_time()) - began
        meet_range(*arrays, *inverted, bench.WINDOW, n_items, low, high)
        meeting += time.process_time() - met
    began = time.process_time()
    for each in item_ranges(items, n_items, bench.PARTITIONS):
        count_partition(each, log.window, n_items, bench.MIN_SUPPORT, None, *arrays, log.back, log.ahead, log.ages)
    whole = time.process_time() - began
    return whole, index, meeting


@njit(nogil=True)
def meet_range(offsets, items, starts, users, places, window, n_items, low, high):  # type: ignore[no-untyped-def]
    """The kernel without sorting and writing."""
    cells, touched = np.zeros(n_items, np.int64), np.empty(n_items + 1, np.int32)
    larger, nobody = np.empty(2 * window + 2, np.int32), np.empty(0, np.uint16)
    met = 0
    for item in range(low, high):
        events = slice(starts[item - low], starts[item - low + 1])
        near = kernel._bounds(users[events], places[events], offsets, nobody, nobody, window)
        n_touched = kernel._meet(item, users[events], near, items, larger, cells, touched)
        for other in touched[:n_touched]:
            cells[other] = 0
        met += n_touched
    return met


def warm_plain(offsets: np.ndarray, items: np.ndarray) -> Log:
    """The log, and the plain counter compiled."""
    return warm(plain, offsets, items)


def plain(log: Log, n_items: int) -> bench.Columns:
    """One dense counter per item, written the obvious way, over the same partitions."""
    parts = []
    for low, high in item_ranges(log.items, n_items, bench.PARTITIONS):
        inverted = kernel._invert(frozen(log.offsets), frozen(log.items), low, high)
        parts.append(plain_range(log.offsets, log.items, *inverted, log.window, n_items, low, high, bench.MIN_SUPPORT))
    a, b, support = (np.concatenate(column) for column in zip(*parts, strict=True))
    return a, b, support


@njit(nogil=True)
def plain_range(offsets, items, starts, users, places, window, n_items, low, high, least):  # type: ignore[no-untyped-def]
    """Count, remember the last user of a cell, sort the touched, keep the frequent."""
    support, last = np.zeros(n_items, np.int32), np.full(n_items, -1, np.int64)
    touched = np.empty(n_items, np.int32)
    size, kept = 1024, 0
    rows = np.empty((size, 3), np.int32)
    for item in range(low, high):
        n_touched = 0
        for event in range(starts[item - low], starts[item - low + 1]):
            user, place = users[event], places[event]
            for near in range(max(place - window, offsets[user]), min(place + window + 1, offsets[user + 1])):
                other = items[near]
                if other <= item or last[other] == user:
                    continue
                last[other] = user
                if support[other] == 0:
                    touched[n_touched] = other
                    n_touched += 1
                support[other] += 1
        touched[:n_touched].sort()
        for other in touched[:n_touched]:
            if support[other] >= least:
                if kept == size:
                    size *= 2
                    more = np.empty((size, 3), np.int32)
                    more[:kept] = rows
                    rows = more
                rows[kept, 0], rows[kept, 1], rows[kept, 2] = item, other, support[other]
                kept += 1
            support[other], last[other] = 0, -1
    return rows[:kept, 0].copy(), rows[:kept, 1].copy(), rows[:kept, 2].copy()


def warm_sorted(offsets: np.ndarray, items: np.ndarray) -> Log:
    """The log, and the writer of keys compiled."""
    return warm(sorted_keys, offsets, items)


def warm(count: Any, offsets: np.ndarray, items: np.ndarray) -> Log:
    """Run once on one history."""
    count(Log(offsets[:2], items[: offsets[1]], bench.WINDOW), int(items.max()) + 1)
    return Log(offsets, items, bench.WINDOW)


def sorted_keys(log: Log, n_items: int) -> bench.Columns:
    """Every pair token as a packed key, sorted; runs of equal keys are counts."""
    keys = token_keys(log.offsets, log.items, log.window)
    keys.sort()
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    support = np.diff(np.concatenate((first, [len(keys)])))
    enough = support >= bench.MIN_SUPPORT
    chosen = keys[first[enough]]
    return (chosen >> 32).astype(np.int32), (chosen & 0xFFFFFFFF).astype(np.int32), support[enough].astype(np.int32)


@njit(nogil=True)
def token_keys(offsets, items, window):  # type: ignore[no-untyped-def]
    """Smaller item << 32 | larger item of every pair of every user, each once."""
    keys = np.empty(len(items) * window, np.int64)
    n = 0
    for user in range(len(offsets) - 1):
        first = n
        for place in range(offsets[user], offsets[user + 1]):
            for near in range(place + 1, min(place + window + 1, offsets[user + 1])):
                low, high = min(items[place], items[near]), max(items[place], items[near])
                if low != high:
                    keys[n] = np.int64(low) << 32 | high
                    n += 1
        own = np.unique(keys[first:n])
        keys[first : first + len(own)] = own
        n = first + len(own)
    return keys[:n]


if __name__ == "__main__":
    main()
