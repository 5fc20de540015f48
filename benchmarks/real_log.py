"""The real half of pairs_calibration.py: what held-out events say about the pairs that training events gave."""

import argparse
import json
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from sidflow.config.learning import PairsConfig
from sidflow.pairs.count import Counts, count_pairs
from sidflow.pairs.log import Log, count_users, recent_log
from sidflow.pairs.margins import Margins, make_margins
from sidflow.pairs.screen import Screened
from sidflow.pairs.select import select_pairs
from sidflow.pairs.significance import item_pair_tests, tail_probability

IOTAS = (0.0, 0.3466, 0.6931, 1.3863, 2.0794)
FDRS = (0.001, 0.01, 0.05, 0.2)
MIN_SUPPORT = 2


def measure_real(arguments: argparse.Namespace) -> None:
    """Held-out lift over chance, and coverage: the default, cruder filters, and a grid of iota and q."""
    whole, train, item_ids = read_log(arguments)
    n_items = len(item_ids)
    counts = count_pairs(train, n_items)
    later = held_out(count_pairs(whole, n_items), counts, n_items)
    users, item_users = count_users(train, n_items)
    margins = make_margins("pair", counts.margins, counts.tokens, item_users, users)
    tests = item_pair_tests(item_users, MIN_SUPPORT)
    enough = counts.support >= MIN_SUPPORT
    screened = Screened(
        counts.a[enough], counts.b[enough], counts.support[enough], counts.decayed, np.ones(n_items, np.bool_)
    )
    coverable = len(np.unique(np.concatenate(screened[:2])))
    chance = tail_probability(counts.support, margins.expected(counts.a, counts.b))
    print(
        f"{n_items:,} items, {users:,} users, window {arguments.window}: {counts.observed:,} observed pairs; "
        f"{coverable:,} items ({coverable / n_items:.1%}) have a partner with support >= {MIN_SUPPORT}\n"
    )
    print(f"| {'pairs':44} | {'kept':>9} | {'lift':>6} | {'items':>6} | {'of coverable':>12} | {'of all':>7} |")
    print(f"|{'-' * 46}|{'-' * 10}:|{'-' * 7}:|{'-' * 7}:|{'-' * 13}:|{'-' * 8}:|")

    def show(name: str, a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
        items = len(np.unique(np.concatenate((a, b))))
        row = {"pairs": name, "kept": len(a), "lift": lift(later, a, b, n_items), "items": items}
        print(
            f"| {name:44} | {len(a):9,} | {row['lift']:6.1f} | {items:6,} | {items / coverable:12.1%} "
            f"| {items / n_items:7.1%} |"
        )
        return {**row, "of_coverable": items / coverable, "of_all": items / n_items}

    rows = [show("all observed", counts.a, counts.b), show("support >= 2", *screened[:2])]
    likely = chance <= 1e-3
    rows.append(show("p <= 0.001 against chance", counts.a[likely], counts.b[likely]))
    chosen = select(screened, margins, tests, item_ids, PairsConfig())
    strong = chosen.significant
    rows.append(show("significant tier (default)", chosen.a[strong], chosen.b[strong]))
    rows.append(show("significant tier and top-up (default)", chosen.a, chosen.b))
    curve = []
    for fdr in FDRS:
        for iota in IOTAS:
            found = select(screened, margins, tests, item_ids, PairsConfig(iota=iota, fdr=fdr, topup_partners=0))
            curve.append({**show(f"significant at iota = {iota:.2f}, q = {fdr}", found.a, found.b), "fdr": fdr})
    (arguments.out / "real.json").write_text(json.dumps({"rows": rows, "curve": curve}, indent=1))
    draw(curve, rows[-1], arguments.out / "trade_off.png")


def read_log(arguments: argparse.Namespace) -> tuple[Log, Log, pa.Array]:
    """The whole log, its training part (each user's last two events left out), and the items' ids."""
    columns = [arguments.user, arguments.item, arguments.timestamp, *arguments.order_by]
    table = ds.dataset(arguments.interactions, format=arguments.interactions.suffix[1:]).to_table(columns=columns)
    table = table.sort_by([(name, "ascending") for name in (arguments.user, arguments.timestamp, *arguments.order_by)])
    item_ids = pc.unique(table[arguments.item]).cast(pa.string()).sort()
    items = pc.index_in(table[arguments.item].cast(pa.string()), value_set=item_ids).to_numpy().astype(np.int32)
    counts = pc.value_counts(table[arguments.user]).field("counts").to_numpy()
    offsets = np.concatenate(([0], np.cumsum(counts)))
    times = np.arange(len(items))  # order alone matters here
    kept = np.concatenate([np.arange(start, max(stop - 2, start)) for start, stop in pairwise(offsets)])
    trained = np.concatenate(([0], np.cumsum(np.maximum(counts - 2, 0))))
    limit = PairsConfig().max_history
    return (
        recent_log(offsets, items, times, limit, arguments.window),
        recent_log(trained, items[kept], times[kept], limit, arguments.window),
        item_ids,
    )


def held_out(whole: Counts, train: Counts, n_items: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs a * n_items + b that gain users by the held-out events, and how many."""
    keys = [each.a.astype(np.int64) * n_items + each.b for each in (whole, train)]
    gained = whole.support.astype(np.int64)
    where = np.searchsorted(keys[0], keys[1]) % max(len(keys[0]), 1)
    known = keys[0][where] == keys[1]  # a capped history may have lost a pair
    gained[where[known]] -= train.support[known]
    return keys[0][gained > 0], gained[gained > 0]


def lift(later: tuple[np.ndarray, np.ndarray], a: np.ndarray, b: np.ndarray, n_items: int) -> float:
    """Held-out support of the chosen pairs over what the held-out events' own margins predict for them."""
    keys, gained = later
    margins = np.bincount(keys // n_items, gained, n_items) + np.bincount(keys % n_items, gained, n_items)
    seen = gained[np.isin(keys, a.astype(np.int64) * n_items + b)].sum()
    expected = (margins[a] * margins[b]).sum() / (2 * gained.sum())
    return float(seen / expected) if expected else float("nan")


def select(screened: Screened, margins: Margins, tests: int, item_ids: pa.Array, config: PairsConfig) -> Any:
    """The pairs that the pipeline would keep."""
    return select_pairs(screened, margins, tests, item_ids, config).pairs


def draw(curve: list[dict[str, Any]], default: dict[str, Any], path: Any) -> None:
    """Coverage against lift, one line per q, one point per iota; the shipped default beside them."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    for fdr in FDRS:
        points = [each for each in curve if each["fdr"] == fdr]
        axes.plot([each["of_all"] for each in points], [each["lift"] for each in points], "o-", label=f"q = {fdr}")
    axes.plot(default["of_all"], default["lift"], "k*", markersize=12, label="default with top-up")
    axes.set(xlabel="share of all items with a partner", ylabel="held-out lift over chance")
    axes.set_title("Information against coverage; along a line iota falls from ln 8 to 0", fontsize=10)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    raise SystemExit("Run benchmarks/pairs_calibration.py --interactions FILE.")
