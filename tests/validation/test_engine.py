"""Great Expectations as an evaluator."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.validation.engine import OneOf, Range, evaluate


def broken(values: object, rule: Range | OneOf) -> list[int]:
    """Rows of a column `x` that break a rule."""
    (outcome,) = evaluate({"x": np.asarray(values)}, [rule])
    assert outcome.error is None
    return outcome.unexpected.tolist()


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        (Range("x"), [2]),
        (Range("x", minimum=0), [0, 2]),
        (Range("x", maximum=1), [2, 4]),
        (Range("x", 0, 1), [0, 2, 4]),
        (Range("x", 0, 1, above=True), [0, 1, 2, 4]),
    ],
)
def test_ranges(rule, rows):
    """Both limits are included unless the least is not; what is missing breaks every rule."""
    assert broken([-1.0, 0.0, np.nan, 1.0, np.inf], rule) == rows


def test_sets():
    """A word that is not in the set, and no word at all."""
    assert broken(np.array(["a", "b", None, "c"], object), OneOf("x", ("a", "b"))) == [2, 3]


def test_outcomes_come_in_the_order_of_the_rules():
    """The library returns failures first."""
    columns = {"x": np.array([1, 5]), "y": np.array([5, 1])}
    outcomes = evaluate(columns, [Range("x", 0, 9), Range("y", 0, 2), Range("x", 0, 2), Range("y", 0, 9)])
    assert [each.unexpected.tolist() for each in outcomes] == [[], [0], [1], []]


def test_two_rules_about_one_column_stay_apart():
    """Even if they are equal."""
    outcomes = evaluate({"x": np.array([5])}, [Range("x", 0, 2), Range("x", 0, 2)])
    assert [each.unexpected.tolist() for each in outcomes] == [[0], [0]]


def test_a_rule_that_raises_has_an_error():
    """It must not pass for one that holds; the other rules are evaluated all the same."""
    missing, there = evaluate({"x": np.array([1])}, [Range("missing", 0, 1), Range("x", 0, 1)])
    assert missing.error is not None
    assert 'column "missing"' in missing.error
    assert there.error is None


def test_no_rules_no_outcomes():
    """Nothing to evaluate costs nothing."""
    assert evaluate({"x": np.array([1])}, []) == []


def test_threads_do_not_disturb_one_another():
    """Prefect runs tasks in threads; the library keeps its project in a global."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda limit: broken(np.arange(20), Range("x", maximum=limit)), range(20)))
    assert found == [list(range(limit + 1, 20)) for limit in range(20)]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-3, 3) | st.none(), min_size=1, max_size=8), st.integers(-2, 2), st.booleans())
def test_agrees_with_plain_comparison(values, minimum, above):
    """The rule, written out."""
    holds = [each is not None and (each > minimum if above else each >= minimum) and each <= 2 for each in values]
    assert broken(np.array(values, float), Range("x", minimum, 2, above)) == [
        row for row, each in enumerate(holds) if not each
    ]


def test_it_is_not_imported_before_it_is_needed_and_then_sends_nothing():
    """Importing the gates is cheap; the first evaluation says nothing, neither here nor to a server."""
    script = """
import logging, os, sys, warnings
warnings.simplefilter("error")
logging.basicConfig(level=logging.INFO)
import numpy as np
from sidflow.validation import judge
from sidflow.validation.engine import Range, evaluate
assert "great_expectations" not in sys.modules
evaluate({"x": np.array([1])}, [Range("x", 0, 1)])
assert os.environ["GX_ANALYTICS_ENABLED"] == "False"
"""
    environment = {name: value for name, value in os.environ.items() if name != "GX_ANALYTICS_ENABLED"}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
