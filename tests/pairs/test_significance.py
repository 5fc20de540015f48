"""The criterion's formulas against scipy.stats, by hand and at the extremes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import poisson

from sidflow.errors import ShapeError
from sidflow.pairs.significance import (
    fdr_bound,
    fdr_threshold,
    item_pair_tests,
    log_tail_probability,
    lower_bound_pmi,
    pmi,
    tail_probability,
)

LN2 = math.log(2)


def test_pmi_by_hand():
    """Twice as many as expected is ln 2 nats."""
    assert pmi(np.array([4]), np.array([2.0])) == pytest.approx([LN2])


def test_tail_of_one_event_by_hand():
    """P(X >= 1) = 1 - exp(-E)."""
    assert tail_probability(np.array([1]), np.array([0.5])) == pytest.approx([1 - math.exp(-0.5)])


def test_tail_of_two_events_by_hand():
    """P(X >= 2) = 1 - exp(-E) (1 + E); iota = ln 2 doubles E."""
    assert tail_probability(np.array([2]), np.array([0.5]), LN2) == pytest.approx([1 - 2 * math.exp(-1.0)])


@pytest.mark.parametrize("support", [1, 2, 3, 10, 100, 10_000])
@pytest.mark.parametrize("expected", [1e-12, 1e-3, 0.3, 5.0, 90.0, 9_000.0])
def test_tail_equals_scipy(support: int, expected: float):
    """The incomplete gamma function is the Poisson tail, at every scale."""
    found = tail_probability(np.array([support]), np.array([expected]), LN2)[0]
    assert found == pytest.approx(poisson.sf(support - 1, 2 * expected), rel=1e-9, abs=0)


@pytest.mark.parametrize(("support", "expected"), [(2, 1e-3), (50, 3.0), (300, 100.0), (5, 7.0)])
def test_log_tail_is_the_logarithm(support: int, expected: float):
    """Where nothing underflows."""
    k, mean = np.array([support]), np.array([expected])
    assert log_tail_probability(k, mean, LN2) == pytest.approx(np.log(tail_probability(k, mean, LN2)))


@pytest.mark.parametrize(
    ("support", "expected", "log_p"),
    [
        (200, 1e-3, -2244.7840380136963),
        (1_000, 100.0, -1406.8527552662533),
        (100_000, 50_000.0, -19320.700330911593),
        (5, 1e-80, -925.8215289404003),
    ],
)
def test_log_tail_where_the_tail_underflows(support: int, expected: float, log_p: float):
    """Values of mpmath.log(gammainc(k, 0, E, regularized=True)) at 40 digits."""
    k, mean = np.array([support]), np.array([expected])
    assert tail_probability(k, mean)[0] == 0.0
    assert log_tail_probability(k, mean)[0] == pytest.approx(log_p, rel=1e-12)


def test_log_tail_is_continuous_where_the_formula_changes():
    """More support is always less probable, across the underflow."""
    log_p = log_tail_probability(np.arange(1, 400), np.full(399, 2.0))
    assert (np.diff(log_p) < 0).all() and np.abs(np.diff(log_p, 2)).max() < 1.0


@given(st.integers(1, 500), st.floats(1e-6, 200), st.floats(1e-9, 0.5))
def test_duality_of_test_and_bound(support: int, expected: float, alpha: float):
    """The lower bound at alpha is at least iota if and only if the p-value is at most alpha."""
    k, mean = np.array([support]), np.array([expected])
    bound = float(lower_bound_pmi(k, mean, alpha)[0])
    assert tail_probability(k, mean, bound)[0] == pytest.approx(alpha, rel=1e-6)


def test_lower_bound_of_one_event_by_hand():
    """P(X >= 1) = alpha at lambda = -ln(1 - alpha)."""
    bound = lower_bound_pmi(np.array([1]), np.array([0.01]), 0.05)
    assert bound == pytest.approx([math.log(-math.log(0.95) / 0.01)])


@pytest.mark.parametrize(("least", "tests"), [(0, 6), (1, 3), (2, 1), (3, 0), (4, 0)])
def test_tests_are_pairs_of_frequent_items(least: int, tests: int):
    """Items with 0, 1, 2 and 3 events."""
    assert item_pair_tests(np.array([0, 1, 2, 3]), least) == tests


def test_threshold_by_hand():
    """Benjamini and Hochberg 1995, section 3.2: their 15 p-values at q = 0.05 accept four."""
    ten_thousandths = [1, 4, 19, 95, 201, 278, 298, 344, 459, 3240, 4262, 5719, 6528, 7590, 10000]
    assert fdr_threshold(np.array(ten_thousandths[::-1]) / 1e4, 15, 0.05) == 0.0095


def test_threshold_steps_up():
    """A p-value above its own line passes if a later one is below its line."""
    assert fdr_threshold(np.array([0.04, 0.041]), 2, 0.05) == 0.041


def test_unknown_p_values_count_as_one():
    """The same two p-values among 100 tests accept nothing."""
    assert fdr_threshold(np.array([0.04, 0.041]), 100, 0.05) == 0.0


def test_threshold_of_nothing():
    """No p-values, no tests."""
    assert fdr_threshold(np.array([]), 0, 0.05) == 0.0 and fdr_bound(0, 0, 0.05) == 0.0


def test_more_p_values_than_tests_are_refused():
    """That would be an error of counting."""
    with pytest.raises(ShapeError, match="3 p-values cannot come from 2 tests"):
        fdr_threshold(np.array([0.1, 0.2, 0.3]), 2, 0.05)


@given(st.lists(st.floats(0, 1), max_size=30), st.integers(0, 200), st.sampled_from([0.01, 0.05, 0.3]))
def test_streaming_threshold_equals_the_definition(p_values: list[float], unobserved: int, fdr: float):
    """Dropping what exceeds `fdr_bound` changes nothing: max p_(r) <= r q / m over all tests, unknown ones at 1."""
    tests = len(p_values) + unobserved
    ordered = sorted([*p_values, *[1.0] * unobserved])
    expected = max((p for r, p in enumerate(ordered, 1) if p <= r * fdr / tests), default=0.0)
    bound = fdr_bound(len(p_values), tests, fdr)
    kept = np.array([p for p in p_values if p <= bound])
    assert fdr_threshold(kept, tests, fdr) == expected
