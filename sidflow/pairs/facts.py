"""The numbers of the stage, for the manifest, the gate and the reader."""

from typing import Any

import numpy as np

from sidflow.pairs.screen import Summary
from sidflow.pairs.select import Selection
from sidflow.pairs.table import Pairs


def pair_facts(
    selection: Selection, summary: Summary, coverable: np.ndarray, item_events: np.ndarray, tests: int
) -> dict[str, Any]:
    """Plain JSON facts of one mining run.

    Args:
        selection: What was kept.
        summary: Margins and totals over all partitions.
        coverable: Items with a partner that reaches `min_support`, (N,), bool.
        item_events: Training events per item, (N,).
        tests: Hypotheses that Benjamini and Hochberg's procedure ran over.
    """
    pairs = selection.pairs
    significant, kept = int(pairs.significant.sum()), len(pairs)
    partners = np.bincount(np.concatenate((pairs.a, pairs.b)), minlength=len(item_events))
    return {
        "pair_tokens": summary.tokens,
        "pairs_observed": summary.observed,
        "dropped": {
            "below_support": summary.observed - summary.candidates,
            "not_significant": summary.candidates - selection.passed - selection.eligible,
            "over_partner_cap": selection.passed - significant,
            "no_topup_needed": selection.eligible - (kept - significant),
        },
        "pairs": kept,
        "significant": significant,
        "topup": kept - significant,
        "heldout": int(pairs.heldout.sum()),
        "m_tests": tests,
        "p_cut": selection.p_cut,
        "fdr_hat": tests * selection.p_cut / selection.passed if selection.passed else 0.0,
        "chance_share": _chance_share(pairs, pairs.significant),
        "chance_share_all": _chance_share(pairs, np.ones(kept, np.bool_)),
        "items": len(item_events),
        "items_covered": int(np.count_nonzero(partners)),
        "items_coverable": int(np.count_nonzero(coverable)),
        "coverage_by_popularity_decile": _coverage_by_decile(partners > 0, item_events),
        "max_hub_share": float(partners.max(initial=0) / kept) if kept else 0.0,
    }


def _chance_share(pairs: Pairs, chosen: np.ndarray) -> float:
    """Share of the co-occurrences that chance alone explains."""
    support = int(pairs.support[chosen].sum())
    return float(pairs.expected[chosen].sum() / support) if support else 0.0


def _coverage_by_decile(covered: np.ndarray, item_events: np.ndarray) -> list[float | None]:
    """Share of items with a partner, from the rarest tenth of the items that occur to the most popular tenth."""
    order = np.argsort(item_events, kind="stable")
    order = order[item_events[order] > 0]
    return [round(float(part.mean()), 4) if len(part) else None for part in np.array_split(covered[order], 10)]
