"""The tables of benchmarks/quantizer.py, as Markdown: one line a variant, then the goals of the default."""

import statistics
from collections.abc import Callable
from typing import Any

from quantizer_variants import VARIANTS

Row = dict[str, Any]
Value = Callable[[Row], float]


def print_table(rows: list[Row]) -> None:
    """Means over the seeds that are there, least to greatest in brackets for lift and recall."""
    print(
        "| variant | seeds | usage | perplexity/K by level | unique | explained, own / text "
        "| lift, validation, 1 / 2 | lift, pooled, 1 / 2 | validation R@10 | N@10 | test R@10 | N@10 |"
    )
    print("|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, variant in VARIANTS.items():
        found = [row for row in rows if row["variant"] == name]
        if found:
            print(f"| {variant.label} | {len(found)} | " + " | ".join(_cells(found)) + " |")


def _cells(rows: list[Row]) -> list[str]:
    def lifts(split: str) -> str:
        first = _spread(rows, lambda row: row["lift"][split][0], 1)
        if len(rows[0]["lift"][split]) == 1:
            return first
        return f"{first} / {_mean(rows, lambda row: row['lift'][split][1]):.1f}"

    levels = range(len(rows[0]["perplexity"]))
    own = "-" if rows[0]["variant"] == "random" else _short(_mean(rows, lambda row: row["explained"][-1]))
    return [
        _short(min(share for row in rows for share in row["usage"])),
        " ".join(_short(_mean(rows, lambda row, level=level: row["perplexity"][level])) for level in levels),
        _short(_mean(rows, lambda row: row["unique_share"]), 4),
        f"{own} / {_short(_mean(rows, lambda row: row['text_variance']))}",
        lifts("validation"),
        lifts("pooled"),
        *_decoder_cells(rows, "decoder"),
    ]


def print_shipped(rows: list[Row]) -> None:
    """The pipeline's own decoder, where it was trained."""
    found = {name: [row for row in rows if row["variant"] == name and row["shipped"]] for name in VARIANTS}
    if any(found.values()):
        print("\n| SIDs of | seeds | validation R@10, not rescored | N@10 | test R@10, rescored | N@10 |")
        print("|---|---:|---:|---:|---:|---:|")
    for name, each in found.items():
        if each:
            print(f"| {VARIANTS[name].label} | {len(each)} | " + " | ".join(_decoder_cells(each, "shipped")) + " |")


def _decoder_cells(rows: list[Row], kind: str) -> list[str]:
    rows = [row for row in rows if row[kind]]

    def cell(split: str, metric: str) -> str:
        return _spread(rows, lambda row: row[kind][split][metric], 4) if rows else "-"

    return [cell(split, metric) for split in ("validation", "test") for metric in ("recall@10", "ndcg@10")]


def print_goals(rows: list[Row]) -> None:
    """What the default must reach: its worst seed on its own figures, means against other variants."""
    by_name = {name: [row for row in rows if row["variant"] == name] for name in VARIANTS}
    default = by_name["default"]
    if not default:
        return
    print("\n| goal of the default | needed | measured | |\n|---|---:|---:|---|")
    _own_goals(default)
    for split in ("validation", "pooled"):
        _reach(f"level-1 lift, {split}", 22, min(row["lift"][split][0] for row in default), ".1f")
        for name, ratio in (("default-none", 1.6), ("kmeans", 1.25)):
            if by_name[name]:
                measured = _ratio(default, by_name[name], lambda row, split=split: row["lift"][split][0])
                _reach(f"level-1 lift, {split}, over {VARIANTS[name].label}", ratio, measured, ".2f")
    for split in ("validation", "test"):
        _recall_goals(by_name, split)


def _own_goals(default: list[Row]) -> None:
    _reach("usage", 1, min(share for row in default for share in row["usage"]), ".3f")
    _reach("perplexity/K, every level", 0.85, min(share for row in default for share in row["perplexity"]), ".3f")
    _reach("unique share before repair", 0.98, min(row["unique_share"] for row in default), ".4f")
    repairs = [row["repair"] for row in default]
    _reach("items moved by repair, at most", 0.05, max(each["repaired_share"] for each in repairs), ".4f", most=True)
    _reach("distortion ratio, at most", 1.015, max(each["distortion_ratio"] for each in repairs), ".4f", most=True)


def _recall_goals(by_name: dict[str, list[Row]], split: str) -> None:
    def recall(row: Row) -> float:
        return float(row["decoder"][split]["recall@10"])

    done = {name: [row for row in rows if row["decoder"]] for name, rows in by_name.items()}
    if not done["default"]:
        return
    for name in ("plain", "kmeans", "kmeans-pmi"):
        if done[name]:
            measured = _ratio(done["default"], done[name], recall)
            _reach(f"{split} Recall@10 over {VARIANTS[name].label}", 1.12, measured, ".3f")
    if len(done["default"]) > 1 and len(done["default-all"]) > 1:  # a single seed has no range
        ours, theirs = ([recall(row) for row in done[name]] for name in ("default", "default-all"))
        spread = max(max(each) - min(each) for each in (ours, theirs))
        gain = statistics.fmean(ours) - statistics.fmean(theirs)
        _reach(f"{split} Recall@10 less that with all pairs, above the larger seed range", spread, gain, ".4f")


def _reach(goal: str, needed: float, measured: float, form: str, most: bool = False) -> None:
    met = measured <= needed if most else measured >= needed
    print(f"| {goal} | {needed:{form}} | {measured:{form}} | {'met' if met else 'NOT MET'} |")


def _ratio(ours: list[Row], theirs: list[Row], value: Value) -> float:
    return _mean(ours, value) / _mean(theirs, value)


def _mean(rows: list[Row], value: Value) -> float:
    return statistics.fmean(value(row) for row in rows)


def _spread(rows: list[Row], value: Value, digits: int) -> str:
    found = [value(row) for row in rows]
    middle = _short(statistics.fmean(found), digits)
    return middle if len(found) == 1 else f"{middle} ({_short(min(found), digits)}-{_short(max(found), digits)})"


def _short(value: float, digits: int = 3) -> str:
    """A share without its leading zero."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text
