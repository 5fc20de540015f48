"""The tables of benchmarks/decoder.py as Markdown, and the learning curves as a figure."""

import statistics
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from decoder_rows import ROWS

from sidflow.decoder.metrics import bootstrap_interval, ndcg_gains, recall_gains

Facts = dict[str, Any]
METRICS = ("recall@5", "recall@10", "ndcg@5", "ndcg@10")
GOALS = {"recall@10": 0.086, "ndcg@10": 0.050}
TIGER = 0.0384
"""NDCG@10 of Rajput et al. 2023, arXiv 2305.05065, table 1."""
WAYS = {
    "test_not_rescored": "not rescored",
    "test_dense_head_alone": "dense head alone, whole catalogue",
    "test_unseen": "without what a user has seen",
    "test_not_rescored_unseen": "not rescored, without what a user has seen",
    "test_dense_head_alone_unseen": "dense head alone, without what a user has seen",
}
TIME = {"time": "time split"}
VALIDATED = {
    "decoder": "4,000 users, beam 20",
    "sasrec": "4,000 users, exact, among unseen items",
    "tiger": "500 users, beam 50",
}
TITLES = {
    "main": "Beside others",
    "tuning": "SASRec's settings, chosen on validation",
    "ingredients": "One ingredient after another, short trainings",
    "time": "Global time split",
}


def print_tables(rows: list[Facts], folder: Path) -> None:
    """A table for each group that has rows, paired differences, and the goals of the shipped default."""
    for group, title in TITLES.items():
        names = [
            name for name, row in ROWS.items() if row.group == group and any(each["name"] == name for each in rows)
        ]
        if not names:
            continue
        print(f"\n{title}\n")
        print("| | seeds | CPU minutes, with ranking | validation R@10 | N@10 | test R@5 | R@10 | N@5 | N@10 |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
        for name in names:
            for label, found, split in lines(name, [each for each in rows if each["name"] == name]):
                print(f"| {label} | {len(found)} | " + " | ".join(_cells(found, split)) + " |")
    print_differences(rows, folder)
    print_times(rows)
    print_goals([row for row in rows if row["name"] == "default"])


def lines(name: str, rows: list[Facts]) -> list[tuple[str, list[Facts], str]]:
    """A row's lines: label, seeds and where its test metrics are; one for each way to rank."""
    label = ROWS[name].label
    last = f"{label}, rescored inside the beam" if ROWS[name].model == "decoder" else label
    having = {split: [row for row in rows if split in row] for split in WAYS}
    more = [(f"{label}, {way}", having[split], split) for split, way in WAYS.items() if having[split]]
    return [(last, rows, "test"), *more]


def _cells(rows: list[Facts], split: str) -> list[str]:
    spent = [row["cpu_seconds"] / 60 for row in rows if "cpu_seconds" in row]
    minutes = f"{statistics.fmean(spent):.1f}" if spent else "-"
    validated = {"test_unseen": "validation_unseen"}
    if ROWS[rows[0]["name"]].model == "decoder":  # rescoring is fitted on validation targets
        validated["test_not_rescored"] = "validation"
    else:
        validated["test"] = "validation"
    held = validated.get(split, "")
    validation = [_spread(rows, held, name) if held in rows[0] else "" for name in METRICS[1::2]]
    return [minutes, *validation, *(_spread(rows, split, name) for name in METRICS)]


def print_differences(rows: list[Facts], folder: Path) -> None:
    """Test metrics of the default less those of the others at the same seed and users, 95% bootstrap over users."""
    print("\n| default less | R@10 | 95% | N@10 | 95% |\n|---|---:|---:|---:|---:|")
    for group, ours in (("main", "default"), ("time", "default-time")):
        if not (folder / f"{ours}-0.npz").exists():
            continue
        base = np.load(folder / f"{ours}-0.npz")["test"]
        for row in (each for each in rows if each["seed"] == 0 and ROWS[each["name"]].group == group):
            for split, theirs in np.load(folder / f"{row['name']}-0.npz").items():
                if (row["name"], split) != (ours, "test"):
                    cells = [_difference(gains(base, 10) - gains(theirs, 10)) for gains in (recall_gains, ndcg_gains)]
                    label = ", ".join(filter(None, (ROWS[row["name"]].label, WAYS.get(split), TIME.get(group))))
                    print(f"| {label} | " + " | ".join(cells) + " |")


def _difference(gains: np.ndarray) -> str:
    low, high = bootstrap_interval(gains, 1_000) or (np.nan, np.nan)
    return f"{gains.mean():+.4f} | {low:+.4f} to {high:+.4f}"


def print_times(rows: list[Facts]) -> None:
    """Training until validation NDCG@10 is what goes with TIGER's published test NDCG@10 in the finished decoder."""
    for row in (each for each in rows if each["name"] == "default"):
        needed = TIGER * row["validation"]["ndcg@10"] / row["test_not_rescored"]["ndcg@10"]
        times = [seconds for seconds, ndcg in training_curve(row) if ndcg >= needed]
        reached = f"{times[0]:.0f} s" if times else "never"
        print(f"\nseed {row['seed']}: validation NDCG@10 of {needed:.4f} (TIGER's {TIGER} on test) after {reached}")


def training_curve(row: Facts) -> list[tuple[float, float]]:
    """Seconds of training, without validation, and validation NDCG@10 of every validation."""
    if ROWS[row["name"]].model != "decoder":
        return [(each["seconds"], each["ndcg@10"]) for each in row["curve"]]
    positions = np.diff([0, *(each["positions"] for each in row["curve"])])
    seconds = np.cumsum(positions / [each["positions_per_second"] for each in row["curve"]])
    return list(zip(seconds.tolist(), [each["ndcg@10"] for each in row["curve"]], strict=True))


def print_goals(rows: list[Facts]) -> None:
    """What the worst seed of the shipped default reaches."""
    for name, needed in GOALS.items() if rows else ():
        worst = min(row["test"][name] for row in rows)
        met = "met" if worst >= needed else "NOT MET"
        print(f"\n{name}: worst of {len(rows)} seeds {worst:.4f}, needed {needed}: {met}")


def draw_curves(rows: list[Facts], path: Path) -> None:
    """NDCG@10 of validation targets against minutes of training, a line a row that has a curve."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = [row for row in rows if row.get("curve") and row["seed"] == 0 and ROWS[row["name"]].group == "main"]
    if not shown:
        return
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for row in shown:
        points = [(seconds / 60, ndcg) for seconds, ndcg in training_curve(row)]
        label = f"{ROWS[row['name']].label}: {VALIDATED[ROWS[row['name']].model]}"
        axes.plot(*zip(*points, strict=True), marker=".", label=label)
    axes.set(xlabel="minutes of training, without validation", ylabel="NDCG@10, validation", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path)
    pyplot.close(figure)


def _spread(rows: list[Facts], split: str, metric: str) -> str:
    found = [row[split][metric] for row in rows]
    middle = _short(statistics.fmean(found))
    return middle if len(found) == 1 else f"{middle} ({_short(min(found))}-{_short(max(found))})"


def _short(value: float) -> str:
    """A share without its leading zero."""
    return f"{value:.4f}".removeprefix("0")
