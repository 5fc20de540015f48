"""What is expected of pairs, embeddings and the decision."""

import sys

from sidflow import schemas
from sidflow.validation.derive import embedding_columns, pair_columns
from sidflow.validation.engine import OneOf, Range
from sidflow.validation.suite import FactCheck, Facts, RowCheck, RowSuite, Suite, at, share_of, tallied
from sidflow.validation.tallies import OutOfOrder

ACTIONS = ("keep", "assign_new", "full", "re_encode")
# float32 and bfloat16 arithmetic leave a unit vector's norm within a thousandth of 1.
NORM = (0.999, 1.001)
FINITE = sys.float_info.max

PAIRS = Suite(
    facts=(
        FactCheck(
            "there are enough pairs",
            "pairs",
            at("pairs"),
            "Lower pairs.iota or min_support, raise pairs.fdr, widen pairs.window, or lower pairs.gate.min_pairs.",
            minimum="min_pairs",
        ),
        FactCheck(
            "significant pairs are mostly real",
            "fdr_hat",
            at("fdr_hat"),
            "Lower pairs.fdr, raise pairs.min_support, or raise pairs.gate.max_fdr.",
            maximum="max_fdr",
        ),
        FactCheck(
            "no item is in most of the pairs",
            "max_hub_share",
            at("max_hub_share"),
            "Lower pairs.max_partners, see whether that id stands for many items, or raise pairs.gate.max_hub_share.",
            maximum="max_hub_share",
        ),
        FactCheck(
            "chance explains few of the significant tier's co-occurrences",
            "chance_share",
            at("chance_share"),
            "Raise pairs.iota or min_support, or raise pairs.gate.max_chance_share.",
            maximum="max_chance_share",
        ),
        FactCheck(
            "items that could have a partner have one",
            "coverage",
            share_of("items_covered", "items_coverable"),
            "Raise pairs.topup_p or topup_partners, or lower pairs.gate.min_coverage.",
            minimum="min_coverage",
            optional=True,
        ),
        FactCheck(
            "every observed pair is kept or dropped for one reason",
            "unaccounted",
            lambda facts: facts["pairs_observed"] - facts["pairs"] - sum(facts["dropped"].values()),
            "Run again with --refresh pairs; if that does not help, it is a defect of the stage.",
            minimum=0,
            maximum=0,
        ),
        FactCheck(
            "every pair is there once, ascending",
            "out_of_order",
            tallied("out_of_order"),
            "Run again with --refresh pairs.",
            maximum=0,
        ),
    ),
    rows=RowSuite(
        schema=schemas.PAIRS,
        columns=pair_columns,
        checks=(
            RowCheck("comes before item_b", "item_a", Range("ordered", 1, 1)),
            RowCheck("is at least one user", "support", Range("support", minimum=1)),
            RowCheck("is above zero", "expected", Range("expected", 0, FINITE, above=True)),
            RowCheck("is finite", "pmi", Range("pmi", -FINITE, FINITE)),
            RowCheck("is a probability", "p_value", Range("p_value", 0, 1)),
            RowCheck("is significant or top-up", "tier", OneOf("tier", ("significant", "top-up"))),
            RowCheck("is above zero", "weight", Range("weight", 0, FINITE, above=True)),
        ),
        tallies={"out_of_order": lambda: OutOfOrder("item_a", "item_b")},
    ),
)

EMBEDDINGS = Suite(
    facts=(
        FactCheck(
            "most vectors are distinct",
            "distinct_share",
            at("distinct_share"),
            "Name more columns in embedding.template, or lower embedding.gate.min_distinct_share.",
            minimum="min_distinct_share",
        ),
        FactCheck(
            "every item is there once, ascending by id",
            "out_of_order",
            tallied("out_of_order"),
            "Run again with --refresh embeddings.",
            maximum=0,
        ),
    ),
    rows=RowSuite(
        schema=schemas.embeddings_schema(1),
        columns=embedding_columns,
        checks=(
            RowCheck("has text", "item_id", Range("item_bytes", minimum=1)),
            RowCheck("is finite", "vector", Range("finite", 1, 1)),
            RowCheck("has unit length", "vector", Range("norm", *NORM)),
        ),
        tallies={"out_of_order": lambda: OutOfOrder("item_id")},
    ),
)


def _known_action(facts: Facts) -> float:
    return float(facts["action"] in ACTIONS)


DECISION = Suite(
    facts=(
        FactCheck(
            f"the action is one of {', '.join(ACTIONS)}",
            "action",
            _known_action,
            "Run again with --refresh decision.",
            minimum=1,
        ),
    ),
)
