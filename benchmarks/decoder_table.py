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
        print("| | seeds | CPU minutes | validation R@10 | N@10 | test R@5 | R@10 | N@5 | N@10 |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
        for name in names:
            for label, found, split in lines(name, [each for each in rows if each["name"] == name]):
                print(f"| {label} | {len(found)} | " + " | ".join(_cells(found, split)) + " |")
    print_differences(rows, folder)
    print_goals([row for row in rows if row["name"] == "default"])


def lines(name: str, rows: list[Facts]) -> list[tuple[str, list[Facts], str]]:
    """A row's lines: label, seeds and where its test metrics are; a decoder has one for each way to rank."""
    label = ROWS[name].label
    if ROWS[name].model != "decoder":
        return [(label, rows, "test")]
    ways = {"test_not_rescored": "not rescored", "test_dense_head_alone": "dense head alone, whole catalogue"}
    more = [(f"{label}, {way}", rows, split) for split, way in ways.items() if all(split in row for row in rows)]
    return [*more, (f"{label}, rescored inside the beam", rows, "test")]


def _cells(rows: list[Facts], split: str) -> list[str]:
    spent = [row["cpu_seconds"] / 60 for row in rows if "cpu_seconds" in row]
    minutes = f"{statistics.fmean(spent):.1f}" if spent else "-"
    validation = [
        _spread(rows, "validation", name) if split != "test_dense_head_alone" else "" for name in METRICS[1::2]
    ]
    return [minutes, *validation, *(_spread(rows, split, name) for name in METRICS)]


def print_differences(rows: list[Facts], folder: Path) -> None:
    """Test metrics of the default less those of the others at the same seed and users, 95% bootstrap over users."""
    print("\n| default less | R@10 | 95% | N@10 | 95% |\n|---|---:|---:|---:|---:|")
    for suffix in ("", "-time"):
        base = folder / f"default{suffix}-0.npz"
        if not base.exists():
            continue
        ours = np.load(base)["ranks"]
        for row in (each for each in rows if each["seed"] == 0 and each["name"].endswith(suffix)):
            other = ROWS[row["name"]]
            if other.group != ("time" if suffix else "main") or row["name"] == f"default{suffix}":
                continue
            theirs = np.load(folder / f"{row['name']}-0.npz")["ranks"]
            cells = [_difference(gains(ours, 10) - gains(theirs, 10)) for gains in (recall_gains, ndcg_gains)]
            print(f"| {other.label}{', time split' if suffix else ''} | " + " | ".join(cells) + " |")


def _difference(gains: np.ndarray) -> str:
    low, high = bootstrap_interval(gains, 1_000) or (np.nan, np.nan)
    return f"{gains.mean():+.4f} | {low:+.4f} to {high:+.4f}"


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
        points = [(each["seconds"] / 60, each["ndcg@10"]) for each in row["curve"]]
        axes.plot(*zip(*points, strict=True), marker=".", label=ROWS[row["name"]].label)
    axes.set(xlabel="minutes of training", ylabel="NDCG@10, validation", ylim=(0, None))
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
