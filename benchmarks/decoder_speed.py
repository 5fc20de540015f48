"""How quickly the decoder recommends, on one core: beam 50, top 10, everything else as shipped.

    python benchmarks/decoder_speed.py --store store [--items 1e6] [--repeats 3] [--only latency exact tiger synthetic]

Rows, each a JSON file in the output folder, so that a stopped benchmark goes on where it was:

    latency     one user after another, and many at once, with the store's current release; its training speed
    synthetic   the same with made-up SIDs over --items items and random weights, which are as quick as trained ones
    exact       how often the beam's lists differ from those of exact search, a beam as wide as the catalogue
    tiger       users a second beside TIGER's T5 (`generate` held to the SIDs that exist), turn about on the same
                contexts; its weights are random, which changes what it finds but not how long it takes

Times are of the wall clock and, since other work may share the machine, of the process's own CPU time.
"""

import argparse
import os
import platform
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from result_rows import Row, keep_row, kept_row
from speed_measures import Parts, beams_against_exact, latency, tiger_latency, turn_about, users_per_second
from synthetic_release import make_recommender
from threadpoolctl import threadpool_limits

from sidflow.artifacts import Store
from sidflow.dataset.build import read_dataset
from sidflow.histories.table import Histories
from sidflow.recommender import Recommender, load_recommender
from sidflow.release import Release, current_release

GOALS = {"latency": 20.0, "synthetic": 60.0}  # ms, p99 of one user


def main() -> None:
    """Measure what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="store", help="a store with a release")
    parser.add_argument("--items", type=float, default=1e6, help="of the synthetic catalogue, and as many users")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--calls", type=int, default=400, help="single users a repeat")
    parser.add_argument("--exact-users", type=int, default=500)
    parser.add_argument("--tiger-users", type=int, default=128)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/decoder_speed"))
    rows = {"latency": _latency, "exact": _exact, "tiger": _tiger, "synthetic": _synthetic}
    parser.add_argument("--only", nargs="+", choices=rows, default=list(rows))
    settings = ("repeats", "calls", "exact_users", "tiger_users")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with threadpool_limits(1):
        for name in arguments.only:
            made_from = {each: getattr(arguments, each) for each in settings}
            made_from |= {"items": arguments.items} if name == "synthetic" else {"release": _released(arguments)[1].id}
            _print(name, measured(arguments.out / f"{name}.json", partial(rows[name], arguments), made_from))


def measured(path: Path, measure: Callable[[], Row], made_from: Row) -> Row:
    """A row that is there, or is made now, with the machine and what else it was doing."""
    if found := kept_row(path, made_from):
        return found
    load = os.getloadavg()[0]
    row = measure() | {"processor": platform.processor() or platform.machine(), "torch": torch.__version__}
    return keep_row(path, row | {"load_before": load, "load_after": os.getloadavg()[0]}, made_from)


def _released(arguments: argparse.Namespace) -> tuple[Store, Release]:
    store = Store(arguments.store)
    release = current_release(store)
    if release is None:
        raise SystemExit(f"No release in {store.root}: run the pipeline first.")
    return store, release


def _latency(arguments: argparse.Namespace) -> Row:
    store, release = _released(arguments)
    decoder = release.artifact("decoder")
    facts = store.manifest(decoder).metrics
    training = {name: facts[name] for name in ("positions_per_second", "seconds", "threads", "precision")}
    histories = read_dataset(store.files(release.artifact("dataset"))).histories
    return _serving(load_recommender(store, release), histories, arguments) | {"training": training}


def _synthetic(arguments: argparse.Namespace) -> Row:
    items = int(arguments.items)
    return _serving(*make_recommender(items, items), arguments)


def _serving(recommender: Recommender, histories: Histories, arguments: argparse.Namespace) -> Row:
    repeats = range(arguments.repeats)
    return {
        "items": len(recommender.item_ids),
        "one_user": [latency(recommender, histories, arguments.calls) for _ in repeats],
        "batch": [users_per_second(recommender, histories) for _ in repeats],
    }


def _exact(arguments: argparse.Namespace) -> Row:
    return beams_against_exact(Parts.of(*_released(arguments)), arguments.exact_users)


def _tiger(arguments: argparse.Namespace) -> Row:
    parts = Parts.of(*_released(arguments))
    one_user = tiger_latency(parts, arguments.tiger_users)
    return {"repeats": turn_about(parts, arguments.tiger_users, arguments.repeats), "one_user": one_user}


def _print(name: str, row: Row) -> None:
    """One row, medians of the repeats with least and greatest."""
    print(f"\n{name} (load average {row['load_before']:.1f} before, {row['load_after']:.1f} after)")
    match name:
        case "exact":
            exact = row["exact"]
            print(f"  {row['users']:,} validation users; exact: {exact['recall@10']:.4f} / {exact['ndcg@10']:.4f}")
            print("  | beam | lists that differ | first item differs | overlap@10 | recall@10 | ndcg@10 |")
            print("  |---:|---:|---:|---:|---:|---:|")
            for width, each in row["beams"].items():
                shares = f"{each['differ']:.1%} | {each['first_differs']:.1%} | {each['overlap@10']:.3f}"
                print(f"  | {width} | {shares} | {each['recall@10']:.4f} | {each['ndcg@10']:.4f} |")
        case "tiger":
            for each in ("ours", "tiger", "ratio", "ours_cpu", "tiger_cpu", "ratio_cpu"):
                print(f"  {each:10} {_spread([repeat[each] for repeat in row['repeats']])}")
            print("  tiger, one user, ms: " + ", ".join(f"{name} {ms:.0f}" for name, ms in row["one_user"].items()))
        case _:
            print(f"  {row['items']:,} items")
            for each in ("p50", "p99", "cpu_p50", "cpu_p99"):
                print(
                    f"  one user of {row['items']:,} items, {each:7} ms {_spread([r[each] for r in row['one_user']])}"
                )
            for each in ("wall", "cpu"):
                print(f"  batches of 128, users/s by {each:4} {_spread([repeat[each] for repeat in row['batch']])}")
            worst = max(each["p99"] for each in row["one_user"])
            print(
                f"  goal: p99 of every repeat under {GOALS[name]:.0f} ms, {'met' if worst < GOALS[name] else 'NOT MET'}"
            )
            if "training" in row:
                speed = row["training"]["positions_per_second"]
                print(f"  training: {speed:,.0f} item positions/s on {row['training']['threads']} thread(s)")


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):,.2f} ({min(values):,.2f}-{max(values):,.2f})"


if __name__ == "__main__":
    main()
