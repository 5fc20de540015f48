"""Counts after a day's news: changed users only, beside counting everything again.

    python benchmarks/pairs_incremental.py [--sizes 1e6 1e7] [--share 0.01] [--repeats 3]

The logs are those of pairs.py; the news is one more event for a random 1% of the users. Both ways give all pairs with
their support (checked to be equal); reading and writing the kept counts is part of the incremental way.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from pairs import WINDOW, make_log  # beside this file

from sidflow.pairs.base import load_base, save_base
from sidflow.pairs.count import count_pairs
from sidflow.pairs.incremental import Base, counts_of, join_counts, update_counts
from sidflow.pairs.log import Log


def main() -> None:
    """One row a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="*", type=float, default=[1e6, 1e7])
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print("| tokens | changed users | full count, s | incremental, s | of it disk, s | full / incremental |")
    print("|---:|---:|---:|---:|---:|---:|")
    measure(1e5, arguments.share)  # compiles
    for size in arguments.sizes:
        rows = [measure(size, arguments.share) for _ in range(arguments.repeats)]
        changed = rows[0][3]
        full, incremental, disk = (statistics.median(row[column] for row in rows) for column in range(3))
        spread = f"({min(row[0] / row[1] for row in rows):.1f}-{max(row[0] / row[1] for row in rows):.1f})"
        print(
            f"| {size:.0e} | {changed:,.0f} | {full:.2f} | {incremental:.2f} | {disk:.2f} "
            f"| {full / incremental:.1f} {spread} |"
        )


def measure(tokens: float, share: float) -> tuple[float, float, float, float]:
    """Seconds of a full count, of an update, of its reading and writing; and how many users changed."""
    offsets, items = make_log(tokens)
    users, n_items = len(offsets) - 1, int(items.max()) + 1
    user_ids = pa.array([f"u{user:09d}" for user in range(users)])
    item_ids = pa.array([f"i{item:07d}" for item in range(n_items)])
    before = Log(offsets, items, WINDOW)
    after, changed = with_news(before, share, n_items)
    began = time.perf_counter()
    expected = count_pairs(after, n_items, 2)
    full = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as name:
        save_base(join_counts(user_ids, item_ids, before, [count_pairs(before, n_items)]), Path(name), "")
        began = time.perf_counter()
        base = load_base(Path(name), "")
        assert isinstance(base, Base)
        read = time.perf_counter() - began
        updated = update_counts(base, user_ids, item_ids, after)
        assert updated is not None
        found = counts_of(updated, 2)
        written = time.perf_counter()
        save_base(updated, Path(name), "")
        ended = time.perf_counter()
    for column, right in zip(found, expected, strict=True):
        assert np.array_equal(column, right)
    return full, ended - began, read + ended - written, changed


def with_news(log: Log, share: float, n_items: int) -> tuple[Log, int]:
    """The same log with one more event at the end of a random share of the histories."""
    rng = np.random.default_rng(1)
    users = len(log.offsets) - 1
    chosen = np.sort(rng.choice(users, max(int(users * share), 1), replace=False))
    items = np.insert(log.items, log.offsets[chosen + 1], rng.integers(0, n_items, len(chosen)).astype(np.int32))
    more = np.zeros(users, np.int64)
    more[chosen] = 1
    return Log(log.offsets + np.concatenate(([0], np.cumsum(more))), items, WINDOW), len(chosen)


if __name__ == "__main__":
    main()
