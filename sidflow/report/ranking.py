"""Section: how well the next item is found, beside what is trivial to do."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.decoder.metrics import bootstrap_interval, ndcg_gains, recall_gains
from sidflow.report.blocks import Block, Figure, Mark, Section, Table, axes, table
from sidflow.report.formats import NONE, count, decimal, interval
from sidflow.report.palette import SERIES
from sidflow.report.subject import Subject, index_of

OURS = "sidflow"
RESAMPLES = 1000
HEAD = 0.2  # share of the items, by training events, that is called the head
COLOURS = (SERIES[0], SERIES[4], SERIES[2], SERIES[3], SERIES[5])
GAINS = {"recall": recall_gains, "ndcg": ndcg_gains}
Ranks = Mapping[str, np.ndarray]


def ranking(subject: Subject) -> Section:
    """Measures with intervals from every test user's rank, paired differences, and slices of the targets."""
    numbers = subject.facts("metrics")
    stored = pq.read_table(subject.files("metrics")["ranks.parquet"])
    ranks = read_ranks(stored)
    cutoffs = sorted({int(name.split("@")[1]) for name in numbers["test"]})
    targets = index_of(subject.sids.item_ids, stored["target"])
    slices = slice_targets(subject.training_events, targets)
    blocks: list[Block] = [
        measures_figure(ranks, 10),
        recall_curve(ranks, max(cutoffs)),
        measures_table(ranks, cutoffs),
        differences_table(numbers.get("against", {})),
        slices_table(ranks, slices),
    ]
    return Section(
        "metrics",
        "Metrics beside baselines",
        tuple(blocks),
        f"Each of {len(stored):,} users' test item is ranked among the whole catalogue, never a sample. Intervals are "
        "95% bootstrap over users.",
    )


def read_ranks(stored: pa.Table) -> dict[str, np.ndarray]:
    """Ranks by model, ours first; 0 is not found."""
    baselines = [name for name in stored.column_names if name.startswith("rank_")]
    return {
        OURS: stored["rank"].to_numpy(),
        **{name.removeprefix("rank_").replace("_", " "): stored[name].to_numpy() for name in baselines},
    }


def measures_figure(ranks: Ranks, cutoff: int) -> Figure:
    """Recall and NDCG at one cut-off with their intervals, a bar a model."""
    names = [f"Recall@{cutoff}", f"NDCG@{cutoff}"]
    data, said = [], []
    for (model, places), colour in zip(ranks.items(), COLOURS, strict=False):
        gains = [gain(places, cutoff) for gain in GAINS.values()]
        means = [float(each.mean()) if len(each) else 0.0 for each in gains]
        spread = [bootstrap_interval(each, RESAMPLES) or (mean, mean) for each, mean in zip(gains, means, strict=True)]
        said.append(f"{model} {means[0]:.4f}")
        data.append({
            "type": "bar", "name": model, "x": names, "y": means, "marker": {"color": colour},
            "error_y": {
                "type": "data", "symmetric": False, "thickness": 1.5, "width": 4, "color": "--ink",
                "array": [high - mean for (_, high), mean in zip(spread, means, strict=True)],
                "arrayminus": [mean - low for (low, _), mean in zip(spread, means, strict=True)],
            },
            "hovertemplate": "%{x}: %{y:.4f}<extra>" + model + "</extra>",
        })  # fmt: skip
    return Figure(
        "metrics-baselines",
        f"Recall and NDCG at {cutoff}",
        "Bars with 95% intervals. Alarming: an interval of ours that reaches down to a baseline's bar; then the "
        "decoder is not known to be worth its cost.",
        f"Bars of {names[0]}: {', '.join(said)}.",
        data,
        axes("", "measure", barmode="group", yaxis={"rangemode": "tozero"}),
    )


def recall_curve(ranks: Ranks, most: int) -> Figure:
    """Share of users whose next item is among the first k, for every k."""
    cutoffs = list(range(1, most + 1))
    data = [
        {"type": "scatter", "mode": "lines", "name": model, "x": cutoffs, "line": {"color": colour, "width": 2},
         "y": [round(float(recall_gains(places, k).mean()), 5) if len(places) else 0.0 for k in cutoffs],
         "hovertemplate": "first %{x}: %{y:.4f}<extra>" + model + "</extra>"}
        for (model, places), colour in zip(ranks.items(), COLOURS, strict=False)
    ]  # fmt: skip
    return Figure(
        "recall-curve",
        f"Recall at 1 to {most}",
        "Share of users whose next item is among the first k. Higher is better everywhere; alarming is a curve that "
        "crosses a baseline's from above as k grows.",
        f"Lines of recall for {len(ranks)} models up to {most} items.",
        data,
        axes("items shown, k", "recall", yaxis={"rangemode": "tozero"}),
    )


def measures_table(ranks: Ranks, cutoffs: Sequence[int]) -> Table:
    """All measures at all cut-offs, ours with intervals."""
    rows: list[tuple[Any, ...]] = []
    for measure, gain in GAINS.items():
        for cutoff in cutoffs:
            gains = {model: gain(places, cutoff) for model, places in ranks.items()}
            means = [decimal(float(each.mean()) if len(each) else 0.0) for each in gains.values()]
            spread = interval(bootstrap_interval(gains[OURS], RESAMPLES))
            rows.append((_title(f"{measure}@{cutoff}"), Mark(means[0], "strong"), spread, *means[1:]))
    others = [name for name in ranks if name != OURS]
    return table("Measures over all test users", ("measure", OURS, "95% interval", *others), rows)


def differences_table(against: Mapping[str, Mapping[str, Any]]) -> Table:
    """Paired differences to each baseline, as stored."""
    rows: list[tuple[Any, ...]] = []
    for baseline, measures in against.items():
        for name, each in measures.items():
            low_high = each["ci95"]
            proven = low_high is not None and (low_high[0] > 0 or low_high[1] < 0)
            proof = Mark("better", "good") if each["difference"] > 0 else Mark("worse", "bad")
            label = f"{_title(name)} over {baseline.replace('_', ' ')}"
            verdict = proof if proven else Mark("open", "muted")
            rows.append((label, f"{each['difference']:+.4f}", interval(low_high), verdict))
    columns = ("paired difference", "difference", "95% interval", "verdict")
    return table("Is it better than a baseline?", columns, rows, "lrrl", reading="The same users, so that their spread "
                 "cancels. Open means that the interval holds zero.")  # fmt: skip


def slice_targets(training_events: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Which test users' targets are cold, in the tail and in the head, each (u,) bool.

    Args:
        training_events: By item, (N,).
        targets: Item of every test user, (u,); -1 for none of the catalogue.
    """
    order = np.argsort(-training_events, kind="stable")
    head = np.zeros(len(training_events), bool)
    head[order[: max(1, round(HEAD * len(order)))]] = True
    cold = training_events == 0
    return {
        f"head: the {HEAD:.0%} of items with most training events": head[targets] & ~cold[targets],
        "tail: all others with training events": ~head[targets] & ~cold[targets],
        "cold: no training event": cold[targets],
    }


def slices_table(ranks: Ranks, slices: Mapping[str, np.ndarray]) -> Table:
    """Recall@10 of every model on each slice of the targets, ours with an interval."""
    rows: list[tuple[Any, ...]] = []
    for name, chosen in slices.items():
        gains = {model: recall_gains(places[chosen], 10) for model, places in ranks.items()}
        means = [decimal(float(each.mean())) if len(each) else NONE for each in gains.values()]
        rows.append((name, count(int(chosen.sum())), Mark(means[0], "strong"),
                     interval(bootstrap_interval(gains[OURS], RESAMPLES)), *means[1:]))  # fmt: skip
    others = [name for name in ranks if name != OURS]
    return table(
        "Recall@10 by the popularity of the target",
        ("target", "users", OURS, "95% interval", *others),
        rows,
        reading="Where the measure comes from. Alarming: all of it from the head, or a tail below the baselines'.",
    )


def _title(measure: str) -> str:
    return measure.replace("recall", "Recall").replace("ndcg", "NDCG")
