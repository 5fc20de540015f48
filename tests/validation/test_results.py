"""What a person reads when a gate refuses."""

import json

import pytest

from sidflow.validation import GateResult, refusal


def result(observed: float | None, minimum: float | None = None, maximum: float | None = None) -> GateResult:
    """A failed expectation about the false discovery rate."""
    step = "Lower pairs.fdr."
    return GateResult("significant pairs are mostly real", "pairs.fdr_hat", observed, minimum, maximum, False, step)


def test_a_refusal_names_expectation_observed_value_limit_and_next_step():
    """One line for each, and what became of the candidate."""
    assert refusal("pairs", "3f2a4b5c6d7e8f90", [result(0.3125, maximum=0.1)]) == (
        "pairs/3f2a4b5c6d7e: refused; 1 expectation failed.\n"
        "  pairs.fdr_hat: significant pairs are mostly real; got 0.3125, allowed is at most 0.1. Lower pairs.fdr.\n"
        "Nothing new was published; what was refused is kept: sidflow artifacts --failed."
    )


def test_a_refusal_reads_stored_results_too():
    """As they come out of a manifest."""
    stored = json.loads(json.dumps(result(2, maximum=1).to_json()))
    assert refusal("pairs", "3f", [stored]) == refusal("pairs", "3f", [result(2, maximum=1)])


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (result(None, minimum=1), "got nothing, allowed is at least 1."),
        (result(12_345, maximum=0), "got 12,345, allowed is at most 0."),
        (result(0.5, 1, 1), "got 0.5, allowed is 1."),
        (result(2, 0, 1), "got 2, allowed is 0 to 1."),
        (result(None), "got nothing, allowed is any number."),
    ],
)
def test_limits_in_words(given, text):
    """From both sides, from one, or from none."""
    assert text in refusal("pairs", "3f", [given])


def test_several_failures_are_counted():
    """Each on a line of its own."""
    assert "2 expectations failed." in refusal("pairs", "3f", [result(1), result(2)])
