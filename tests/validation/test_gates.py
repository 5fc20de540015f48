"""For every expectation of every gate a data set that breaks it, and only it."""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from sidflow.validation import GateResult, RowChecks, judge, measure_rows, row_batches
from sidflow.validation.suites import SUITES
from tests.validation.worlds import FACTS, TABLES, limits_of, sid_table, write

Break = Callable[[pa.Table], pa.Table]


def with_value(column: str, value: Any, row: int = -1) -> Break:
    """Replaces one value of a column."""

    def change(table: pa.Table) -> pa.Table:
        values = table[column].to_pylist()
        values[row] = value
        at = table.schema.get_field_index(column)
        return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))

    return change


def with_row(**values: Any) -> Break:
    """Appends a copy of the last row with some other values."""

    def change(table: pa.Table) -> pa.Table:
        last = table.slice(table.num_rows - 1).to_pylist()[0]
        return pa.concat_tables([table, pa.Table.from_pylist([last | values], schema=table.schema)])

    return change


def both(first: Break, second: Break) -> Break:
    """One change after another."""
    return lambda table: second(first(table))


def without(column: str) -> Break:
    """Drops a column."""
    return lambda table: table.drop_columns(column)


BROKEN_ROWS: dict[tuple[str, str, str], Break] = {
    ("interactions", "user_id", "has text"): with_value("user_id", None),
    ("interactions", "item_id", "has text"): with_value("item_id", ""),
    ("interactions", "timestamp", "is in 1970 or later"): with_value("timestamp", -1),
    ("interactions", "schema", ""): without("item_id"),
    ("interactions", "microseconds_late", ""): with_value("timestamp", 1_001),
    ("catalogue", "item_id", "has text"): with_value("item_id", "", 0),
    ("catalogue", "schema", ""): without("title"),
    ("catalogue", "out_of_order", ""): with_row(item_id="d"),
    ("availability", "item_id", "has text"): with_value("item_id", "", 0),
    ("availability", "schema", ""): without("available"),
    ("availability", "out_of_order", ""): with_row(item_id="d"),
    ("histories", "user_id", "has text"): with_value("user_id", "", 0),
    ("histories", "items", "has an event"): both(
        both(with_value("items", []), with_value("timestamps", [])), with_value("n_train", 0)
    ),
    ("histories", "items", "has only items of the catalogue"): with_value("items", [4]),
    ("histories", "timestamps", "has one time an event"): with_value("timestamps", [7, 8]),
    ("histories", "timestamps", "does not run backwards"): with_value("timestamps", [5, 9, 8], 0),
    ("histories", "n_train", "is not negative"): with_value("n_train", -1),
    ("histories", "n_validation", "is not negative"): with_value("n_validation", -1),
    ("histories", "n_train + n_validation", "leaves no event twice in the split"): with_value("n_validation", 1),
    ("histories", "schema", ""): without("timestamps"),
    ("histories", "out_of_order", ""): with_value("user_id", "u"),
    ("pairs", "item_a", "comes before item_b"): with_value("item_b", "b"),
    ("pairs", "support", "is at least one user"): with_value("support", 0),
    ("pairs", "expected", "is above zero"): with_value("expected", 0.0),
    ("pairs", "pmi", "is finite"): with_value("pmi", float("inf")),
    ("pairs", "p_value", "is a probability"): with_value("p_value", float("nan")),
    ("pairs", "tier", "is significant or top-up"): with_value("tier", "maybe"),
    ("pairs", "weight", "is above zero"): with_value("weight", 0.0),
    ("pairs", "schema", ""): without("weight"),
    ("pairs", "out_of_order", ""): with_row(),
    ("embeddings", "item_id", "has text"): with_value("item_id", "", 0),
    ("embeddings", "vector", "is finite"): with_value("vector", [float("nan"), 0, 0, 0]),
    ("embeddings", "vector", "has unit length"): with_value("vector", [0.9, 0, 0, 0]),
    ("embeddings", "schema", ""): without("vector"),
    ("embeddings", "out_of_order", ""): with_value("item_id", "c"),
    ("semantic_ids", "item_id", "has text"): with_value("item_id", "", 0),
    ("semantic_ids", "codes", "has one code a level"): both(with_value("codes", [1]), with_value("sid", "1")),
    ("semantic_ids", "codes", "is inside its level"): both(with_value("codes", [3, 0]), with_value("sid", "3-0")),
    ("semantic_ids", "sid", "says the codes"): with_value("sid", "1-2"),
    ("semantic_ids", "schema", ""): without("sid"),
    ("semantic_ids", "out_of_order", ""): with_value("item_id", "c"),
    ("semantic_ids", "shared_codes", ""): lambda _: sid_table([[0, 0], [0, 3], [2, 1], [0, 3]]),
    ("dataset", "item_id", "is the item that histories mean"): with_value("item_id", "e"),
}

# What the stage says, and limits that this contradicts.
BROKEN_FACTS: dict[tuple[str, str], tuple[dict[str, Any], dict[str, float]]] = {
    ("interactions", "reject_share"): ({"source_rows": 100, "rejects": {"no user": 4, "bad time": 2}}, {}),
    ("interactions", "rows"): ({"rows": 0}, {}),
    ("items", "reject_share"): ({"source_rows": 10, "rejects": {"no item": 1}}, {}),
    ("catalogue", "rows"): ({"rows": 1}, {}),
    ("availability", "available"): ({"available": 0}, {}),
    ("histories", "users"): ({"users": 1}, {}),
    ("histories", "unknown_item_share"): ({"unknown_item_share": 0.11}, {}),
    ("pairs", "pairs"): ({}, {"min_pairs": 4}),
    ("pairs", "fdr_hat"): ({"fdr_hat": 0.11}, {}),
    ("pairs", "max_hub_share"): ({}, {"max_hub_share": 0.5}),
    ("pairs", "chance_share"): ({"chance_share": 0.2}, {"max_chance_share": 0.15}),
    ("pairs", "coverage"): ({}, {"min_coverage": 0.81}),
    ("pairs", "unaccounted"): ({"pairs_observed": 10}, {}),
    ("embeddings", "distinct_share"): ({"distinct_share": 0.49}, {}),
    ("decision", "action"): ({"action": "guess"}, {}),
    ("quantizer", "usage"): ({"usage": [1.0, 0.4]}, {"min_usage": 0.5}),
    ("quantizer", "perplexity"): ({"perplexity": [0.4, 1.0]}, {"min_perplexity": 0.5}),
    ("quantizer", "gini"): ({"gini": [0.2, 0.99]}, {}),
    ("quantizer", "conditional_entropy"): ({}, {"min_conditional_entropy": 0.2}),
    ("quantizer", "unique_share"): ({}, {"min_unique_share": 0.98}),
    ("quantizer", "explained_variance"): ({"explained_variance": [0.0, 0.09]}, {}),
    ("quantizer", "embedding_variance"): ({}, {"min_embedding_variance": 0.6}),
    ("quantizer", "nmi.lift"): ({}, {"min_category_lift": 3}),
    ("quantizer", "neighbours.lift"): ({}, {"min_neighbour_lift": 5}),
    ("quantizer", "cohesion.lift"): ({}, {"min_heldout_lift": 4}),
    ("semantic_ids", "repaired_share"): ({}, {"max_repaired_share": 0.05}),
    ("semantic_ids", "distortion_ratio"): ({"distortion_ratio": 10.1}, {}),
    ("semantic_ids", "churn"): ({"churn": 0.3}, {"max_churn": 0.2}),
    ("dataset", "training_targets"): ({"training_targets": 0}, {}),
    ("decoder", "epochs"): ({"epochs": 0}, {}),
    ("decoder", "validation"): ({"validation": {"ndcg@10": float("nan")}}, {}),
    ("metrics", "users"): ({"users": 0}, {}),
    ("metrics", "test.recall@10"): ({"test": {"recall@10": float("nan")}}, {}),
    ("release", "lift_over_random"): ({"test": {"recall@10": 0.1}}, {}),
    ("release", "test.recall@10"): ({}, {"min_recall_at_10": 0.51}),
    ("release", "recall_drop"): ({}, {"max_recall_drop": 0.1}),
}


def measured(kind: str, table: pa.Table | None, folder) -> RowChecks:
    """What the rows of a table look like after a trip through its files."""
    return measure_rows(kind, row_batches(kind, write(kind, table, folder)) if table is not None else None)


def verdict(kind: str, checks: RowChecks, facts: Any = None, limits: Any = None) -> list[GateResult]:
    """The verdict on facts that were stored as JSON and read again."""
    stored = json.loads(json.dumps({**FACTS[kind], **(facts or {}), "row_checks": checks.to_json()}))
    return judge(kind, stored, {**limits_of(kind), **(limits or {})})


def failed(results: list[GateResult]) -> list[str]:
    """Subjects that failed, with their kind."""
    return [each.subject for each in results if not each.success]


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> dict[str, RowChecks]:
    """Measured rows of the data sets that pass."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in FACTS}
    return {kind: measured(kind, TABLES.get(kind), folders[kind]) for kind in FACTS}


@pytest.mark.parametrize("kind", FACTS)
def test_a_sound_data_set_passes(kind, good):
    """By default limits; every kind has something to expect."""
    results = verdict(kind, good[kind])
    assert results
    assert failed(results) == []
    assert not good[kind].failing_rows


def test_every_expectation_has_a_data_set_that_breaks_it():
    """None is forgotten here when a suite grows."""
    about_rows = {
        (kind, check.subject, check.expectation)
        for kind, suite in SUITES.items()
        if suite.rows
        for check in suite.rows.checks
    }
    about_facts = {(kind, check.subject) for kind, suite in SUITES.items() for check in suite.facts}
    assert {key for key in BROKEN_ROWS if key[2]} == about_rows
    assert set(BROKEN_FACTS) | {(kind, subject) for kind, subject, text in BROKEN_ROWS if not text} >= about_facts


@pytest.mark.parametrize(("kind", "subject", "expectation"), BROKEN_ROWS)
def test_broken_rows_fail_just_one_expectation(kind, subject, expectation, tmp_path):
    """The others hold; broken rows come with the reason."""
    table = BROKEN_ROWS[kind, subject, expectation](TABLES[kind])
    checks = measured(kind, table, tmp_path)
    results = [each for each in verdict(kind, checks) if not each.success]
    assert [each.subject for each in results] == [f"{kind}.{subject}"]
    assert expectation in results[0].expectation
    reasons = [(each["subject"], each["expectation"]) for each in checks.failing_rows]
    assert reasons == ([(subject, expectation)] if expectation else [])


@pytest.mark.parametrize(("kind", "subject"), BROKEN_FACTS)
def test_broken_facts_fail_just_one_expectation(kind, subject, good):
    """The others hold."""
    assert failed(verdict(kind, good[kind], *BROKEN_FACTS[kind, subject])) == [f"{kind}.{subject}"]


@pytest.mark.parametrize("rows", [3, 5])
def test_a_sid_table_of_another_catalogue_fails(rows, tmp_path):
    """Too few rows or too many: an index would mean another item."""
    table = TABLES["dataset"].slice(0, rows) if rows < 4 else with_row(item_id="e")(TABLES["dataset"])
    assert failed(verdict("dataset", measured("dataset", table, tmp_path))) == ["dataset.item_id"]


@pytest.mark.parametrize("kind", FACTS)
def test_a_missing_fact_fails(kind, good):
    """What was not observed is not taken for granted."""
    stored = {"row_checks": good[kind].to_json()}
    required = [each for each in SUITES[kind].facts if not each.optional and each.subject != "out_of_order"]
    results = judge(kind, stored, limits_of(kind))
    assert failed(results) == [f"{kind}.{each.subject}" for each in required]


@pytest.mark.parametrize("kind", TABLES)
def test_rows_that_were_never_looked_at_fail(kind):
    """Without measured rows every expectation about rows fails."""
    results = judge(kind, FACTS[kind], limits_of(kind))
    assert {each.success for each in results if "in every row" in each.expectation} == {False}
    assert f"{kind}.schema" in failed(results)


@pytest.mark.parametrize("kind", sorted(set(TABLES) - {"dataset"}))
def test_an_empty_table_breaks_no_row(kind, tmp_path):
    """Whether there are enough rows is for the facts to say."""
    checks = measured(kind, TABLES[kind].slice(0, 0), tmp_path)
    assert checks.rows == 0
    assert failed(verdict(kind, checks)) == []
