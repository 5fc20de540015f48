"""Other measures, against scipy.stats, by hand and at the extremes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact

from sidflow.pairs.association import hypergeometric_tail, npmi, signed_llr


def test_npmi_by_hand():
    """k = 2 of T = 8, E = 0.5: ln 4 / ln 4."""
    assert npmi(np.array([2, 2, 8]), np.array([0.5, 2.0, 8.0]), 8) == pytest.approx([1.0, 0.0, 1.0])


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40), st.integers(1, 200))
def test_llr_equals_scipy(k: int, only_a: int, only_b: int, neither: int):
    """G2 without continuity correction, signed by the direction."""
    users = k + only_a + only_b + neither
    found = signed_llr(np.array([k]), np.array([k + only_a]), np.array([k + only_b]), users)[0]
    if (k + only_a) == users or (k + only_b) == users:
        assert found == pytest.approx(0.0, abs=1e-9)
        return
    table = [[k, only_a], [only_b, neither]]
    expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert abs(found) == pytest.approx(expected, abs=1e-8)
    assert found * (k - (k + only_a) * (k + only_b) / users) >= 0


def test_llr_at_independence():
    """Exactly as often as by chance, with large counts: zero, never a negative rounding."""
    assert signed_llr(np.array([10**6]), np.array([10**8]), np.array([10**8]), 10**10).tolist() == [0.0]


def test_llr_of_avoidance_is_negative():
    """Two popular items that hardly anyone has both of."""
    assert signed_llr(np.array([1]), np.array([500]), np.array([500]), 1000)[0] < -100


@given(st.integers(1, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 100))
def test_hypergeometric_tail_equals_fisher(k: int, only_a: int, only_b: int, neither: int):
    """The one-sided exact test."""
    users = k + only_a + only_b + neither
    found = hypergeometric_tail(np.array([k]), np.array([k + only_a]), np.array([k + only_b]), users)[0]
    table = [[k, only_a], [only_b, neither]]
    assert found == pytest.approx(fisher_exact(table, alternative="greater").pvalue, rel=1e-7)


def test_hypergeometric_tail_by_hand():
    """Two users of four have each item; both have both: 1 / C(4, 2)."""
    assert hypergeometric_tail(np.array([2]), np.array([2]), np.array([2]), 4) == pytest.approx([1 / math.comb(4, 2)])
