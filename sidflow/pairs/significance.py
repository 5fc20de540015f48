"""The criterion of minimal information: is a pair's PMI above iota, beyond what chance explains?

Every function is elementwise on arrays of m pairs, or a rule over their p-values; none knows where they were counted.
"""

import numpy as np
from scipy.special import gammainc, gammaincinv, gammaln, hyp1f1

from sidflow.errors import ShapeError

_UNDERFLOW = 1e-290  # below it gammainc loses digits, then returns 0


def pmi(support: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Pointwise mutual information ln(k / E) in nats, (m,)."""
    return np.asarray(np.log(support / expected))


def tail_probability(support: np.ndarray, expected: np.ndarray, iota: float = 0.0) -> np.ndarray:
    """p-value of H0: PMI <= iota, the chance of at least k events of a Poisson variable of mean exp(iota) E.

    By duality p <= alpha if and only if `lower_bound_pmi` at alpha is at least iota. Users contribute independent
    Bernoulli trials, so k is Poisson-binomial and the Poisson tail is conservative.

    Args:
        support: k >= 1, (m,).
        expected: E > 0, (m,).
        iota: Least information in nats.

    Returns:
        p in [0, 1], (m,), float64; zero where it underflows (`log_tail_probability` does not).

    Source: Garwood 1936, Biometrika 28 (Poisson limits); P(X >= k) is the regularised incomplete gamma function.
    """
    return np.asarray(gammainc(np.asarray(support, np.float64), np.exp(iota) * expected))


def log_tail_probability(support: np.ndarray, expected: np.ndarray, iota: float = 0.0) -> np.ndarray:
    """Natural logarithm of `tail_probability`, exact also where that underflows; for ranking.

    Source: DLMF 8.5.1, P(k, x) = x^k e^-x / Gamma(k + 1) * M(1, k + 1, x).
    """
    k, mean = np.asarray(support, np.float64), np.exp(iota) * np.asarray(expected, np.float64)
    p = gammainc(k, mean)
    tiny = p < _UNDERFLOW
    log_p = np.log(np.where(tiny, 1.0, p))
    k, mean = k[tiny], mean[tiny]
    log_p[tiny] = k * np.log(mean) - mean - gammaln(k + 1) + np.log(hyp1f1(1.0, k + 1, mean))
    return np.asarray(log_p)


def lower_bound_pmi(support: np.ndarray, expected: np.ndarray, alpha: float) -> np.ndarray:
    """Lower confidence bound of PMI at error rate alpha, ln(lambda_L / E) with Garwood's Poisson limit, (m,)."""
    return np.asarray(np.log(gammaincinv(np.asarray(support, np.float64), alpha) / expected))


def item_pair_tests(item_events: np.ndarray, least: int) -> int:
    """How many hypotheses there are: I (I - 1) / 2 over the I items with at least `least` events.

    Filtering by an item's events is independent of a pair's p-value under H0; filtering by a pair's support is not,
    so pairs that were never observed count too.
    """
    items = int(np.count_nonzero(np.asarray(item_events) >= least))
    return items * (items - 1) // 2


def fdr_bound(candidates: int, tests: int, fdr: float) -> float:
    """No p-value above this can pass `fdr_threshold`, whatever the others are.

    It makes Benjamini-Hochberg stream: at most `candidates` hypotheses can be accepted, so a partition drops what lies
    above without knowing the rest, and the threshold over what all partitions keep is still exact.
    """
    return min(1.0, fdr * candidates / tests) if tests else 0.0


def fdr_threshold(p_values: np.ndarray, tests: int, fdr: float) -> float:
    """Largest p-value that Benjamini and Hochberg's step-up accepts: max p_(r) with p_(r) <= r fdr / tests.

    Args:
        p_values: The known p-values in any order, (m,); all of those at most `fdr_bound` suffice.
        tests: Number of hypotheses; those not given have p = 1.
        fdr: False discovery rate, in (0, 1).

    Returns:
        The threshold; hypotheses with p at most it are accepted. Zero if none is (unless their p is exactly zero).

    Raises:
        ShapeError: If there are more p-values than tests.

    Source: Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57(1).
    """
    if len(p_values) > tests:
        raise ShapeError(f"{len(p_values):,} p-values cannot come from {tests:,} tests")
    ordered = np.sort(p_values)
    passing = np.flatnonzero(ordered <= np.arange(1, len(ordered) + 1) * fdr / max(tests, 1))
    return float(ordered[passing[-1]]) if len(passing) else 0.0
