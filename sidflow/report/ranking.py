"""Section: how well the next item is found, beside what is trivial to do."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.decoder.metrics import bootstrap_interval, recall_gains
from sidflow.report.blocks import Block, Cell, Mark, Section, Table, table
from sidflow.report.formats import NONE, count, decimal, interval
from sidflow.report.ranking_figures import GAINS, RESAMPLES, Gain, Ranks, measures_figure, recall_curve
from sidflow.report.subject import Subject, index_of

OURS = "sidflow"
HEAD = 0.2  # share of the items, by training events, that is called the head
TITLES = {"recall": "Recall", "ndcg": "NDCG"}


def ranking(subject: Subject) -> Section:
    """Measures with intervals from every test user's rank, paired differences, and slices of the targets."""
    numbers = subject.facts("metrics")
    stored = pq.read_table(subject.files("metrics")["ranks.parquet"])
    ranks = read_ranks(stored)
    cutoffs = sorted({int(name.split("@")[1]) for name in numbers["test"]})
    targets = index_of(subject.sids.item_ids, stored["target"])
    slices = slice_targets(subject.training_events, targets)
    resamples = int(subject.manifests["metrics"].identity.get("bootstrap", RESAMPLES))
    blocks: list[Block] = [
        measures_figure(ranks, 10, resamples),
        recall_curve(ranks, max(cutoffs)),
        measures_table(ranks, cutoffs, resamples),
        differences_table(ranks, [10], resamples),
        differences_table(ranks, cutoffs, resamples, folded="The same at every cut-off"),
        slices_table(ranks, slices, resamples),
    ]
    return Section(
        "metrics",
        "Metrics beside baselines",
        tuple(blocks),
        f"Each of {len(stored):,} users' test item is ranked among the whole catalogue, never a sample. Intervals are "
        f"95% bootstrap over users, {resamples:,} resamples."
        + " Unseen baselines leave out what a user had."
        * any(name.endswith(" unseen") for name in ranks),
    )


def read_ranks(stored: pa.Table) -> dict[str, np.ndarray]:
    """Ranks by model, ours first; 0 is not found."""
    baselines = [name for name in stored.column_names if name.startswith("rank_")]
    return {
        OURS: stored["rank"].to_numpy(),
        **{name.removeprefix("rank_").replace("_", " "): stored[name].to_numpy() for name in baselines},
    }


def measures_table(ranks: Ranks, cutoffs: Sequence[int], resamples: int = RESAMPLES) -> Table:
    """All measures at all cut-offs, ours with intervals, the best of each row marked."""
    rows: list[tuple[Any, ...]] = []
    for name, gain, cutoff in _measures(cutoffs):
        gains = {model: gain(places, cutoff) for model, places in ranks.items()}
        means, spread = _means(gains), _interval(gains[OURS], resamples)
        rows.append((name, means[0], spread, *means[1:]))
    others = [name for name in ranks if name != OURS]
    columns = ("measure", OURS, "95% interval", *others)
    return table("Measures over all test users", columns, rows, reading="The best of each row is bold.")


def differences_table(ranks: Ranks, cutoffs: Sequence[int], resamples: int = RESAMPLES, folded: str = "") -> Table:
    """Paired differences to each baseline, measure by measure."""
    rows: list[tuple[Any, ...]] = []
    for baseline in (name for name in ranks if name != OURS):
        for name, gain, cutoff in _measures(cutoffs):
            gains = gain(ranks[OURS], cutoff) - gain(ranks[baseline], cutoff)
            low_high = bootstrap_interval(gains, resamples)
            mean = float(gains.mean()) if len(gains) else 0.0
            rows.append((f"{name} over {baseline}", f"{mean:+.4f}", interval(low_high), verdict(low_high)))
    columns = ("paired difference", "difference", "95% interval", "verdict")
    reading = (
        "The same users, so that their spread cancels. Open means that the interval holds zero. Each interval stands "
        "for itself: of twenty differences that are none, one is to be expected outside."
    )
    return table("Is it better than a baseline?", columns, rows, "lrrl", folded=folded, reading=reading)


def verdict(low_high: tuple[float, float] | None) -> Mark:
    """What the interval of a difference proves."""
    if low_high is None or low_high[0] <= 0 <= low_high[1]:
        return Mark("open", "muted")
    return Mark("better", "good") if low_high[0] > 0 else Mark("worse", "bad")


def slice_targets(training_events: np.ndarray, targets: np.ndarray) -> dict[str, np.ndarray]:
    """Which test users' targets are cold, in the tail and in the head, each (u,) bool.

    Args:
        training_events: By item, (N,).
        targets: Item of every test user, (u,); -1 for none of the catalogue, which is in no slice.
    """
    order = np.argsort(-training_events, kind="stable")
    head = np.zeros(len(training_events), bool)
    head[order[: max(1, round(HEAD * len(order)))]] = True
    known, cold = targets >= 0, training_events[targets] == 0
    return {
        f"head: the {HEAD:.0%} of items with most training events": known & head[targets] & ~cold,
        "tail: all others with training events": known & ~head[targets] & ~cold,
        "cold: no training event": known & cold,
    }


def slices_table(ranks: Ranks, slices: Mapping[str, np.ndarray], resamples: int = RESAMPLES) -> Table:
    """Recall@10 of every model on each slice of the targets, ours with an interval."""
    rows: list[tuple[Any, ...]] = []
    for name, chosen in slices.items():
        gains = {model: recall_gains(places[chosen], 10) for model, places in ranks.items()}
        means, spread = _means(gains), _interval(gains[OURS], resamples)
        rows.append((name, count(int(chosen.sum())), means[0], spread, *means[1:]))
    others = [name for name in ranks if name != OURS]
    return table(
        "Recall@10 by the popularity of the target",
        ("target", "users", OURS, "95% interval", *others),
        rows,
        reading="Where the measure comes from. Alarming: all of it from the head, or a tail below the baselines'. No "
        "interval where all users gain alike: resampling them shows no spread, which does not mean that there is none.",
    )


def _measures(cutoffs: Sequence[int]) -> list[tuple[str, Gain, int]]:
    """Every measure at every cut-off: its title, its gains, the cut-off."""
    return [(f"{TITLES[name]}@{cutoff}", gain, cutoff) for name, gain in GAINS.items() for cutoff in cutoffs]


def _means(gains: Mapping[str, np.ndarray]) -> list[Cell]:
    """The mean of every model, the best one strong if one is better than the others."""
    means = [float(each.mean()) if len(each) else None for each in gains.values()]
    written = [decimal(each) for each in means]
    best = max(written) if len(set(written)) > 1 else None
    return [Mark(each, "strong") if each == best else each for each in written]


def _interval(gains: np.ndarray, resamples: int) -> str:
    """The interval of a mean; none where all users gain alike, which a bootstrap cannot judge."""
    return NONE if len(np.unique(gains)) < 2 else interval(bootstrap_interval(gains, resamples))
