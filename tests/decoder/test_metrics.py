"""Metrics from ranks."""

import numpy as np
import pytest

from sidflow.decoder.metrics import bootstrap_interval, coverage, ndcg_gains, ranking_metrics, recall_gains


def test_gains_literal() -> None:
    """Rank 1 is full gain, rank 3 a half, beyond the cut-off and not found none."""
    ranks = np.array([1, 3, 6, 0])
    assert recall_gains(ranks, 5).tolist() == [1, 1, 0, 0]
    assert ndcg_gains(ranks, 5).tolist() == [1, 0.5, 0, 0]


def test_metrics_literal() -> None:
    """Means over users, one key a metric and cut-off."""
    facts = ranking_metrics(np.array([1, 3, 6, 0]), (5, 10))
    assert facts["recall@5"] == 0.5
    assert facts["recall@10"] == 0.75
    assert facts["ndcg@5"] == 0.375
    assert facts["ndcg@10"] == pytest.approx((1.5 + 1 / np.log2(7)) / 4)


def test_no_users_score_zero() -> None:
    """Nobody to measure gives 0, not NaN."""
    assert ranking_metrics(np.array([], np.int64), (10,)) == {"recall@10": 0.0, "ndcg@10": 0.0}


def test_interval_agrees_with_the_normal_one() -> None:
    """For many users the percentile interval is mean plus or minus 1.96 standard errors."""
    gains = (np.random.default_rng(1).random(20_000) < 0.1).astype(float)
    low, high = bootstrap_interval(gains, 4_000) or (0, 0)
    error = gains.std() / np.sqrt(len(gains))
    assert low == pytest.approx(gains.mean() - 1.96 * error, abs=0.1 * error)
    assert high == pytest.approx(gains.mean() + 1.96 * error, abs=0.1 * error)


def test_interval_of_constant_gains_is_a_point() -> None:
    """No spread, no width."""
    assert bootstrap_interval(np.ones(10), 100) == (1.0, 1.0)


def test_no_interval_without_users_or_resamples() -> None:
    """Nothing to draw from, or nothing asked for."""
    assert bootstrap_interval(np.array([]), 100) is None
    assert bootstrap_interval(np.ones(3), 0) is None


def test_coverage_counts_distinct_items() -> None:
    """Empty places do not count."""
    assert coverage(np.array([[0, 1], [1, -1]]), 4) == 0.5
