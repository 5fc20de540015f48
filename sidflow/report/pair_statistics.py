"""Section: which items go together more than chance explains, and how sure that is."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq

from sidflow.artifacts import Facts as Numbers
from sidflow.pairs.table import PAIRS_FILE, SIGNIFICANT
from sidflow.report.blocks import Block, Facts, Figure, Section, axes, facts
from sidflow.report.formats import count, share
from sidflow.report.palette import SERIES
from sidflow.report.subject import Subject

TIERS = ((SIGNIFICANT, SERIES[0]), ("top-up", SERIES[4]))


def pair_statistics(subject: Subject) -> Section:
    """Numbers, distributions of support and PMI by tier, and coverage by popularity."""
    numbers = subject.facts("pairs")
    mined = pq.read_table(subject.files("pairs")[PAIRS_FILE], columns=["support", "pmi", "tier"])
    tiers, support, pmi = (mined[name].to_numpy() for name in ("tier", "support", "pmi"))
    iota = subject.manifests["pairs"].identity.get("iota")
    blocks: list[Block] = [pair_facts(numbers), support_figure(support, tiers), pmi_figure(pmi, tiers, iota)]
    if deciles := numbers.get("coverage_by_popularity_decile"):
        blocks.append(coverage_figure(deciles))
    return Section("pairs", "Pair statistics", tuple(blocks))


def pair_facts(numbers: Numbers) -> Facts:
    """How many were tested, what passed, and the estimated share of false ones."""
    dropped = numbers.get("dropped", {})
    covered, items = numbers.get("items_covered"), numbers.get("items")
    significant = numbers.get("significant")  # without any, no rate of theirs is a number
    return facts(
        "",
        {
            "pairs observed": count(numbers.get("pairs_observed")),
            "hypotheses tested": count(numbers.get("m_tests")),
            "significant": count(significant),
            "top-up": count(numbers.get("topup")),
            "held out of every loss": count(numbers.get("heldout")),
            "estimated false discovery rate": share(numbers.get("fdr_hat") if significant else None, 2),
            "explained by chance (significant)": share(numbers.get("chance_share") if significant else None),
            "items with a partner": f"{count(covered)} ({share(covered / items)})" if covered and items else None,
            "dropped: below support": count(dropped.get("below_support")),
            "dropped: not significant": count(dropped.get("not_significant")),
            "dropped: no top-up needed": count(dropped.get("no_topup_needed")),
            "largest hub, share of pairs": share(numbers.get("max_hub_share"), 2),
        },
    )


def support_figure(support: np.ndarray, tiers: np.ndarray) -> Figure:
    """Pairs by the number of users who have both items, by tier."""
    edges = np.r_[1:7, 8, 12, 2 ** np.arange(4, 32)]
    least, most = support.min(initial=2**30), support.max(initial=2)
    edges = edges[np.searchsorted(edges, min(least, 2)) : np.searchsorted(edges, most, "right") + 1]
    names = [str(low) if high == low + 1 else f"{low}-{high - 1}" for low, high in pairwise(edges.tolist())]
    data = [
        {"type": "bar", "name": tier, "x": names, "y": np.histogram(support[tiers == tier], edges)[0].tolist(),
         "marker": {"color": colour}, "hovertemplate": "%{y:,} pairs of %{x} users<extra>" + tier + "</extra>"}
        for tier, colour in TIERS
    ]  # fmt: skip
    return Figure(
        "pair-support",
        "Support of mined pairs",
        "Pairs by the number of distinct users who have both items close together. A long tail to the right is normal; "
        "alarming is a significant tier that consists of pairs of two users only.",
        f"Stacked bars: {len(support):,} pairs by support.",
        data,
        axes("users of the pair", "pairs", barmode="stack", xaxis={"type": "category"}),
    )


def pmi_figure(pmi: np.ndarray, tiers: np.ndarray, iota: float | None) -> Figure:
    """Pairs by PMI, by tier."""
    edges = np.linspace(min(0.0, float(pmi.min(initial=0))), float(pmi.max(initial=1)) or 1.0, 31)
    centres = ((edges[1:] + edges[:-1]) / 2).round(3).tolist()
    data = [
        {"type": "bar", "name": tier, "x": centres, "y": np.histogram(pmi[tiers == tier], edges)[0].tolist(),
         "marker": {"color": colour}, "hovertemplate": "PMI about %{x:.2f}: %{y:,} pairs<extra>" + tier + "</extra>"}
        for tier, colour in TIERS
    ]  # fmt: skip
    limit = f" A significant pair's PMI is above {iota:.2f} with confidence." if iota is not None else ""
    return Figure(
        "pair-pmi",
        "PMI of mined pairs",
        f"Pointwise mutual information in nats: how much more often two items meet than chance explains.{limit} "
        "Alarming: a heap near zero among significant pairs.",
        f"Stacked bars: {len(pmi):,} pairs by PMI, median {float(np.median(pmi)) if len(pmi) else 0:.2f} nats.",
        data,
        axes("PMI, nats", "pairs", barmode="stack", bargap=0.05),
    )


def coverage_figure(deciles: Sequence[float | None]) -> Figure:
    """Share of items with a partner, from the rarest tenth to the most popular."""
    shares = [each or 0.0 for each in deciles]
    return Figure(
        "pair-coverage",
        "Items with a partner, by popularity",
        "From the rarest tenth of the items (left) to the most popular (right). Tail items rarely meet often enough; "
        "alarming is a drop among the popular ones.",
        f"Bars from {shares[0]:.0%} in the rarest tenth to {shares[-1]:.0%} in the most popular.",
        [{"type": "bar", "x": list(range(1, len(shares) + 1)), "y": shares, "marker": {"color": SERIES[2]},
          "hovertemplate": "tenth %{x}: %{y:.1%}<extra></extra>"}],
        axes("tenth of the items by training events", "share with a partner",
             yaxis={"tickformat": ".0%", "range": [0, 1.02]}, xaxis={"dtick": 1}),
        height=240,
        wide=True,
    )  # fmt: skip
