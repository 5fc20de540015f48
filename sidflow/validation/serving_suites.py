"""What is expected of the data set, the decoder, its measures and a release."""

import math

import pyarrow as pa

from sidflow.validation.derive import dataset_columns
from sidflow.validation.engine import Range
from sidflow.validation.suite import FactCheck, Facts, RowCheck, RowSuite, Suite, at

HALF = 0.5  # a random ranking of ten finds the target that often where ten are half the catalogue

DATASET = Suite(
    facts=(
        FactCheck(
            "there is something to learn from",
            "training_targets",
            at("training_targets"),
            "No user has two training events: shorten histories.holdout, lower histories.min_user_events, or give more "
            "interactions.",
            minimum=1,
        ),
    ),
    rows=RowSuite(
        schema=pa.schema({"item_id": pa.string(), "indexed_id": pa.string()}),
        columns=dataset_columns,
        checks=(RowCheck("is the item that histories mean", "item_id", Range("same_item", 1, 1)),),
        tallies={},
    ),
)


def _finite_validation(facts: Facts) -> float | None:
    """1 if all measures of the best validation are finite; None if there was none."""
    best = facts["validation"]
    return float(all(math.isfinite(each) for each in best.values())) if best else None


DECODER = Suite(
    facts=(
        FactCheck(
            "training took place",
            "epochs",
            at("epochs"),
            "Raise decoder.epochs or decoder.warm_epochs.",
            minimum=1,
        ),
        FactCheck(
            "validation measures are finite",
            "validation",
            _finite_validation,
            "Lower decoder.lr or decoder.clip_norm and train again with --refresh decoder.",
            minimum=1,
            optional=True,
        ),
    ),
)


def _lift_over_random(facts: Facts) -> float | None:
    """Test Recall@10 over that of a random ranking; None where ten items are half the catalogue, or all of it."""
    chance = facts["random_recall@10"]
    return None if chance >= HALF else float(facts["test"]["recall@10"] / chance)


METRICS = Suite(
    facts=(
        FactCheck(
            "someone was measured",
            "users",
            at("users"),
            "No user has a test event: lengthen histories.holdout, or use histories.split=last-out.",
            minimum=1,
        ),
        FactCheck(
            "Recall@10 is a share",
            "test.recall@10",
            at("test", "recall@10"),
            "Run again with --refresh metrics.",
            minimum=0,
            maximum=1,
        ),
    ),
)

RELEASE = Suite(
    facts=(
        FactCheck(
            "the decoder beats a random ranking",
            "lift_over_random",
            _lift_over_random,
            "Train longer (decoder.epochs), give more interactions, or lower release.gate.min_lift_over_random.",
            minimum="min_lift_over_random",
            above=True,
            optional=True,
        ),
        FactCheck(
            "Recall@10 is high enough",
            "test.recall@10",
            at("test", "recall@10"),
            "Compare the baselines in the metrics artifact, or lower release.gate.min_recall_at_10.",
            minimum="min_recall_at_10",
        ),
        FactCheck(
            "Recall@10 has not fallen much since the previous release",
            "recall_drop",
            at("recall_drop"),
            "See what changed between the releases: sidflow show metrics. Or raise release.gate.max_recall_drop.",
            maximum="max_recall_drop",
        ),
    ),
)
