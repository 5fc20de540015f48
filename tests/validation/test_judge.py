"""The verdict from stored facts."""

import json

import pytest

from sidflow.errors import ConfigError
from sidflow.validation import judge
from tests.validation.worlds import FACTS, limits_of

QUANTIZER = FACTS["quantizer"]


def test_a_result_says_what_was_observed_and_allowed():
    """Every field, as plain JSON."""
    usage, *_ = judge("quantizer", QUANTIZER, {**limits_of("quantizer"), "min_usage": 0.95})
    result = json.loads(json.dumps(usage.to_json()))
    assert result.pop("next_step").startswith("Raise quantizer.revive_below")
    assert result == {
        "expectation": "every level uses enough of its codes",
        "subject": "quantizer.usage",
        "observed": 0.9,
        "minimum": 0.95,
        "maximum": None,
        "success": False,
    }


def test_the_same_facts_are_judged_anew_by_other_limits():
    """A loosened limit passes what a tightened one does not, without the data."""
    successes = [
        judge("quantizer", QUANTIZER, {**limits_of("quantizer"), "min_usage": limit})[0].success
        for limit in (0.89, 0.9, 0.91)
    ]
    assert successes == [True, True, False]


def test_an_optional_fact_that_is_not_there_is_not_judged():
    """A decoder without validation has no best one."""
    for best in (None, {}):
        subjects = [each.subject for each in judge("decoder", {"epochs": 1, "validation": best}, {})]
        assert subjects == ["decoder.epochs"]


def test_a_lift_of_one_does_not_beat_random():
    """The least lift itself is not enough."""
    facts = {**FACTS["release"], "test": {"recall@10": 0.1}}
    lift = judge("release", facts, limits_of("release"))[0]
    assert (lift.observed, lift.minimum, lift.success) == (1.0, 1.0, False)


def test_collisions_are_allowed_where_the_mode_allows_them():
    """semantic_ids.uniqueness=allow."""
    rows = {"rows": 4, "results": [], "facts": {"shared_codes": 2, "out_of_order": 0, "schema_deviations": []}}
    for mode, judged in (("allow", False), ("unique", True)):
        facts = {**FACTS["semantic_ids"], "mode": mode, "row_checks": rows}
        subjects = [each.subject for each in judge("semantic_ids", facts, limits_of("semantic_ids"))]
        assert ("semantic_ids.shared_codes" in subjects) is judged


def test_numbers_that_are_none_fail_and_stay_json():
    """NaN and infinity are not observed values that JSON knows."""
    facts = {**QUANTIZER, "usage": [float("nan")], "perplexity": [float("inf")]}
    usage, perplexity, *_ = judge("quantizer", facts, limits_of("quantizer"))
    assert (usage.observed, usage.success) == (None, False)
    assert perplexity.observed is None
    json.dumps([usage.to_json(), perplexity.to_json()], allow_nan=False)


def test_what_could_not_be_measured_passes_with_a_note():
    """No categories, no nearest items, too few held-out pairs: the reason is there, whatever the limit."""
    few = [{"level": 1, "pairs": 199, "share": 0.0, "chance": 0.1, "lift": 0.0}]
    alone = [{"level": 1, "share": 0.0, "chance": 0.0, "lift": None}]
    limits = dict.fromkeys(("min_category_lift", "min_neighbour_lift", "min_heldout_lift"), 9.0)
    facts = {**QUANTIZER, "nmi": None, "neighbours": alone, "cohesion": few}
    *_, category, neighbours, heldout = judge("quantizer", facts, {**limits_of("quantizer"), **limits})
    assert [each.success for each in (category, neighbours, heldout)] == [True] * 3
    assert [each.observed for each in (category, neighbours, heldout)] == [None] * 3
    assert category.expectation == (
        "first codes agree with categories (not measured: the catalogue has no category, or one for all)"
    )
    assert heldout.expectation.endswith(
        "(not measured: it takes 200 held-out pairs, and ends of different pairs on one first code)"
    )
    none = judge("quantizer", {**facts, "neighbours": [], "cohesion": None}, {**limits_of("quantizer"), **limits})
    assert all(each.success for each in none)


def test_a_measure_that_the_stage_forgot_still_fails():
    """Only a value that the stage says it could not measure passes."""
    facts = {name: value for name, value in QUANTIZER.items() if name != "nmi"}
    (failed,) = [each for each in judge("quantizer", facts, limits_of("quantizer")) if not each.success]
    assert failed.subject == "quantizer.nmi.lift"


def test_an_expectation_that_could_not_be_evaluated_fails_loudly():
    """The error is in the next step."""
    result = {"expectation": "has text", "subject": "item_id", "unexpected": 0, "rows": 4, "error": "out of cheese"}
    noted = {"rows": 4, "results": [result], "facts": {"out_of_order": 0, "schema_deviations": []}}
    *_, item_id = judge("catalogue", {**FACTS["catalogue"], "row_checks": noted}, limits_of("catalogue"))
    assert not item_id.success
    assert item_id.next_step == "It could not be evaluated: out of cheese."


def test_schema_deviations_are_in_the_next_step():
    """All of them."""
    noted = {"rows": 4, "results": [], "facts": {"out_of_order": 0, "schema_deviations": ["column 'x' is missing"]}}
    results = judge("catalogue", {**FACTS["catalogue"], "row_checks": noted}, limits_of("catalogue"))
    (schema,) = [each for each in results if each.subject == "catalogue.schema"]
    assert schema.next_step == "Found: column 'x' is missing. Run the stage again with --refresh catalogue."


def test_a_limit_that_was_not_given_raises():
    """A gate without its limit would let everything through."""
    with pytest.raises(KeyError, match="min_perplexity"):
        judge("quantizer", QUANTIZER, {"min_usage": 0})


def test_one_source_file_alone_is_not_judged():
    """Segments are judged together, as interactions."""
    assert judge("segment", {"rows": 0}, {"min_rows": 1}) == []


def test_unknown_kind_is_refused():
    """With the nearest."""
    with pytest.raises(ConfigError, match=r"no gate for 'metric'; .*Did you mean 'metrics'\?"):
        judge("metric", {}, {})


def test_a_tiny_catalogue_is_not_asked_to_beat_chance() -> None:
    """Where ten items are half the catalogue or more, a random ranking cannot be beaten by much: nothing is judged."""
    facts = {**FACTS["release"], "test": {"recall@10": 1.0}, "random_recall@10": 1.0}
    assert all(each.success for each in judge("release", facts, limits_of("release")))
