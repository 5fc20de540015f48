"""Counting co-occurrences: sidflow's kernel beside what a user would pick instead, on Zipf-distributed logs.

    pip install -e '.[bench]'
    python benchmarks/pairs.py [--sizes 1e6 1e7 1e8] [--ours-at 1e9] [--repeats 3]

Everybody gets the same arrays in memory and one thread, and returns the pairs (a, b, users) of at least two users at
most ten positions apart, each user counted once; scipy's XᵀX counts whole histories, so ours does too beside it. Each
measurement is a process of its own (its peak memory is reported, the time is that of the call) and one JSON file in the
output folder, so that a stopped benchmark goes on where it was. A checksum of the result must agree.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

THREADS = 1
for _name in ("OMP_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, str(THREADS))

import numpy as np  # noqa: E402 - the thread counts must come first

WINDOW, LENGTH, MIN_SUPPORT = 10, 20, 2
PARTITIONS = 8  # the default of pairs.partitions
TOKENS_PER_USER = sum(min(WINDOW, LENGTH - 1 - place) for place in range(LENGTH))
PEER_REPEATS = {"1e+08": 1}
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def main() -> None:
    """Measure what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", type=float, default=[1e6, 1e7, 1e8])
    parser.add_argument("--ours-at", nargs="*", type=float, default=[1e9])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/pairs"))
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "TOKENS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one[0], float(arguments.one[1]))))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = []
    for size in arguments.sizes:
        rows += [row for name in METHODS if (row := run(name, size, arguments)) is not None]
    rows += [row for size in arguments.ours_at if (row := run("sidflow", size, arguments)) is not None]
    print_table(rows)


def run(method: str, tokens: float, arguments: argparse.Namespace, script: str = __file__) -> dict[str, Any] | None:
    """Seconds and peak memory of all repeats of one method, or its row if it is there; None where it is not run."""
    if method in TOO_SLOW and tokens > TOO_SLOW[method]:
        return None
    path = arguments.out / f"{method.replace(' ', '-')}-{tokens:.0e}.json"
    if path.exists():
        row: dict[str, Any] = json.loads(path.read_text())
        return row
    times = arguments.repeats if method.startswith("sidflow") else PEER_REPEATS.get(f"{tokens:.0e}", arguments.repeats)
    done = []
    for _ in range(times):
        command = [sys.executable, script, "--one", method, str(tokens)]
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        done.append(json.loads(answer.splitlines()[-1]))
        print(f"{method} at {tokens:.0e}: {done[-1]['seconds']:.2f} s", file=sys.stderr)
    row = {
        "method": method,
        "tokens": tokens,
        "seconds": [each["seconds"] for each in done],
        "peak_mib": max(each["peak_mib"] for each in done),
        "input_mib": done[0]["input_mib"],
        "checksum": done[0]["checksum"],
    }
    path.write_text(json.dumps(row, indent=1))
    return row


def measure(method: str, tokens: float) -> dict[str, Any]:
    """One call in this process."""
    offsets, items = make_log(tokens)
    prepare, count = METHODS[method]
    n_items = int(items.max()) + 1
    ready = prepare(offsets, items)
    before = _peak_mib()
    began = time.perf_counter()
    a, b, support = count(ready, n_items)
    seconds, peak = time.perf_counter() - began, _peak_mib()
    keys = a.astype(np.int64) << 32 | b
    order = slice(None) if (np.diff(keys) > 0).all() else np.argsort(keys)
    weights = np.arange(1, len(a) + 1, dtype=np.uint64)
    mixed = (a[order].astype(np.uint64) * 1_000_003 + b[order].astype(np.uint64)) * support[order].astype(np.uint64)
    return {
        "seconds": seconds,
        "peak_mib": peak,
        "input_mib": before,
        "checksum": f"{len(a)}-{int((mixed * weights).sum()):x}",
    }


def make_log(tokens: float) -> tuple[np.ndarray, np.ndarray]:
    """Histories of 20 items drawn by Zipf's law from a catalogue that grows with the log: offsets and items."""
    users = max(int(tokens / TOKENS_PER_USER), 1)
    n_items = int(np.clip(tokens / 1_000, 10_000, 100_000))
    rng = np.random.default_rng(0)
    shares = 1.0 / np.arange(1, n_items + 1)
    edges = np.cumsum(shares / shares.sum())
    items = np.empty(users * LENGTH, np.int32)
    for start in range(0, len(items), 1 << 22):
        drawn = np.searchsorted(edges, rng.random(min(1 << 22, len(items) - start)))
        items[start : start + len(drawn)] = np.minimum(drawn, n_items - 1)
    return np.arange(users + 1, dtype=np.int64) * LENGTH, items


def warm_ours(offsets: np.ndarray, items: np.ndarray) -> Any:
    """The log; the kernel is compiled before the clock starts, as an installed package has it cached on disk."""
    from sidflow.pairs.count import count_pairs
    from sidflow.pairs.log import Log

    count_pairs(Log(offsets[:2], items[: offsets[1]], WINDOW), int(items.max()) + 1)
    return Log(offsets, items, WINDOW)


def ours(log: Any, n_items: int) -> Columns:
    """sidflow's kernel, partition by partition as the pipeline does it, in this thread."""
    from sidflow.pairs.count import count_partition, item_ranges

    log.check(n_items)
    settings = (log.window, n_items, MIN_SUPPORT, None, log.offsets, log.items, log.back, log.ahead, log.ages)
    parts = [list(count_partition(each, *settings)[:3]) for each in item_ranges(log.items, n_items, PARTITIONS)]
    joined = []
    for _ in range(3):  # a column at a time, so that the result is not there twice
        joined.append(np.concatenate([part.pop(0) for part in parts]))
    a, b, support = joined
    return a, b, support


def ours_whole(log: Any, n_items: int) -> Columns:
    """The same over whole histories, as XᵀX has it."""
    return ours(log._replace(window=LENGTH), n_items)


def frame(offsets: np.ndarray, items: np.ndarray) -> dict[str, np.ndarray]:
    """user, place and item of every event."""
    events = np.arange(len(items))
    user = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(offsets))
    return {"user": user, "place": (events - offsets[user]).astype(np.int32), "item": items}


def polars_frame(offsets: np.ndarray, items: np.ndarray) -> Any:
    """A polars DataFrame."""
    import polars

    return polars.DataFrame(frame(offsets, items))


def with_polars(events: Any, n_items: int) -> Columns:
    """Self-join by user, then group by pair."""
    import polars
    from polars import col

    joined = events.lazy().join(events.lazy(), on="user", suffix="_b")
    near = (col("place_b") > col("place")) & (col("place_b") - col("place") <= WINDOW) & (col("item") != col("item_b"))
    pairs = joined.filter(near).select(
        "user", a=polars.min_horizontal("item", "item_b"), b=polars.max_horizontal("item", "item_b")
    )
    counted = pairs.unique().group_by("a", "b").len().filter(col("len") >= MIN_SUPPORT).collect(engine="streaming")
    return counted["a"].to_numpy(), counted["b"].to_numpy(), counted["len"].to_numpy()


def duckdb_table(offsets: np.ndarray, items: np.ndarray) -> Any:
    """A DuckDB connection that holds the events in a table of its own."""
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect(config={"threads": THREADS})
    events = pa.table(frame(offsets, items))
    connection.register("given", events)
    connection.execute("create table events as select * from given")
    return connection


def with_duckdb(connection: Any, n_items: int) -> Columns:
    """Self-join by user, then group by pair."""
    found = connection.execute(
        f"""
        with pairs as (
            select distinct l.user, least(l.item, r.item) as a, greatest(l.item, r.item) as b
            from events l join events r
              on l.user = r.user and r.place > l.place and r.place - l.place <= {WINDOW} and l.item <> r.item
        )
        select a, b, count(*) as users from pairs group by a, b having count(*) >= {MIN_SUPPORT}
        """
    ).fetchnumpy()
    return found["a"], found["b"], found["users"]


def dask_frame(offsets: np.ndarray, items: np.ndarray) -> Any:
    """A Dask DataFrame of eight partitions, divided by user."""
    import dask.dataframe as dd
    import pandas as pd

    events = pd.DataFrame(frame(offsets, items)).set_index("user")
    return dd.from_pandas(events, npartitions=8)


def with_dask(events: Any, n_items: int) -> Columns:
    """The plain merge of a Dask DataFrame with itself, then group by pair."""
    import dask
    import pandas as pd

    def pairs_of(part: Any) -> Any:
        near = (part.place_b > part.place) & (part.place_b - part.place <= WINDOW) & (part.item != part.item_b)
        part = part[near].reset_index()
        low, high = np.minimum(part["item"], part["item_b"]), np.maximum(part["item"], part["item_b"])
        return pd.DataFrame({"user": part["user"], "a": low, "b": high}).drop_duplicates()

    joined = events.merge(events, left_index=True, right_index=True, suffixes=("", "_b"))
    with dask.config.set(scheduler="synchronous"):
        counted = joined.map_partitions(pairs_of).groupby(["a", "b"]).size().compute()
    counted = counted[counted >= MIN_SUPPORT]
    return (
        counted.index.get_level_values(0).to_numpy(),
        counted.index.get_level_values(1).to_numpy(),
        counted.to_numpy(),
    )


def sparse_matrix(offsets: np.ndarray, items: np.ndarray) -> Any:
    """Users by items, ones."""
    from scipy.sparse import csr_array

    matrix = csr_array((np.ones(len(items), np.int32), items, offsets), shape=(len(offsets) - 1, int(items.max()) + 1))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def with_scipy(matrix: Any, n_items: int) -> Columns:
    """XᵀX, its upper triangle, at least two users."""
    from scipy.sparse import triu

    found = triu(matrix.T @ matrix, k=1, format="coo")
    enough = found.data >= MIN_SUPPORT
    return found.row[enough], found.col[enough], found.data[enough]


Method = tuple[Callable[[np.ndarray, np.ndarray], Any], Callable[[Any, int], Columns]]
METHODS: dict[str, Method] = {
    "sidflow": (warm_ours, ours),
    "polars self-join": (polars_frame, with_polars),
    "duckdb self-join": (duckdb_table, with_duckdb),
    "dask merge": (dask_frame, with_dask),
    "sidflow whole histories": (warm_ours, ours_whole),
    "scipy XtX": (sparse_matrix, with_scipy),
}
TOO_SLOW = {"dask merge": 1e7}


def print_table(rows: list[dict[str, Any]]) -> None:
    """Median seconds (least to greatest), ratio to ours, peak memory, nanoseconds a token; disagreements are named."""
    print(f"one thread, window {WINDOW}, histories of {LENGTH}, Zipf-distributed items\n")
    print("| tokens | method | seconds | / sidflow | peak MiB | of it input | ns a token |")
    print("|---:|---|---:|---:|---:|---:|---:|")
    for row in rows:
        rival = "sidflow whole histories" if row["method"] in ("scipy XtX", "sidflow whole histories") else "sidflow"
        base = next(each for each in rows if each["method"] == rival and each["tokens"] == row["tokens"])
        middle = statistics.median(row["seconds"])
        agrees = "" if row["checksum"] == base["checksum"] else " (ANOTHER RESULT)"
        print(
            f"| {row['tokens']:.0e} | {row['method']}{agrees} | {middle:.2f} ({min(row['seconds']):.2f}-"
            f"{max(row['seconds']):.2f}) | {middle / statistics.median(base['seconds']):.1f} | {row['peak_mib']:,.0f} "
            f"| {row['input_mib']:,.0f} | {middle / row['tokens'] * 1e9:.0f} |"
        )


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
