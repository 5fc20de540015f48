"""Recall, NDCG and their uncertainty, from ranks."""

import numpy as np


def recall_gains(ranks: np.ndarray, cutoff: int) -> np.ndarray:
    """1 where a target ranks within the cut-off, else 0; ranks (n,) count from 1, 0 is not found; (n,) float64."""
    return np.asarray((ranks > 0) & (ranks <= cutoff), np.float64)


def ndcg_gains(ranks: np.ndarray, cutoff: int) -> np.ndarray:
    """1 / log2(1 + rank) within the cut-off, else 0: NDCG with one target; (n,) float64."""
    return np.asarray(recall_gains(ranks, cutoff) / np.log2(1.0 + np.maximum(ranks, 1)))


def ranking_metrics(ranks: np.ndarray, cutoffs: tuple[int, ...]) -> dict[str, float]:
    """Mean recall@k and ndcg@k at every cut-off; 0 for no ranks."""
    facts = {}
    for name, gains in (("recall", recall_gains), ("ndcg", ndcg_gains)):
        for cutoff in cutoffs:
            facts[f"{name}@{cutoff}"] = float(gains(ranks, cutoff).mean()) if len(ranks) else 0.0
    return facts


def bootstrap_interval(gains: np.ndarray, resamples: int, seed: int = 0) -> tuple[float, float] | None:
    """95% percentile interval of the mean of gains (n,), by bootstrap over users; None without users or resamples.

    For a paired comparison give the differences. Gains take few distinct values, so a resample is one
    multinomial draw of their counts: the same distribution as drawing n users, at a cost free of n.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    if not len(gains) or not resamples:
        return None
    values, counts = np.unique(gains, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(gains), counts / len(gains), size=resamples)
    low, high = np.quantile(draws @ values / len(gains), [0.025, 0.975])
    return float(low), float(high)


def coverage(top: np.ndarray, items: int) -> float:
    """Share of a catalogue of `items` that appears in somebody's list; lists (n, k), -1 is empty."""
    return len(np.unique(top[top >= 0])) / items
