"""Figures of a ranking: measures with intervals, and recall by the number of items shown."""

from collections.abc import Callable, Mapping

import numpy as np

from sidflow.decoder.metrics import bootstrap_interval, ndcg_gains, recall_gains
from sidflow.report.blocks import Figure, axes
from sidflow.report.palette import SERIES

RESAMPLES = 1000
COLOURS = (SERIES[0], SERIES[4], SERIES[2], SERIES[3], SERIES[5], SERIES[1], SERIES[6], SERIES[7])
Ranks = Mapping[str, np.ndarray]
Gain = Callable[[np.ndarray, int], np.ndarray]
GAINS: Mapping[str, Gain] = {"recall": recall_gains, "ndcg": ndcg_gains}


def measures_figure(ranks: Ranks, cutoff: int, resamples: int = RESAMPLES) -> Figure:
    """Recall and NDCG at one cut-off with their intervals, a bar a model."""
    names = [f"Recall@{cutoff}", f"NDCG@{cutoff}"]
    data, said = [], []
    for (model, places), colour in zip(ranks.items(), COLOURS, strict=False):
        gains = [gain(places, cutoff) for gain in GAINS.values()]
        means = [float(each.mean()) if len(each) else 0.0 for each in gains]
        spread = [bootstrap_interval(each, resamples) or (mean, mean) for each, mean in zip(gains, means, strict=True)]
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
        height=_height(ranks),
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
        height=_height(ranks),
    )


def _height(ranks: Ranks) -> int:
    """Pixels of a figure; the names of more than three models stand below one another."""
    return 300 if len(ranks) <= 3 else 300 + 19 * len(ranks)
