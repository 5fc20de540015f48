"""What is expected of interactions, catalogue and histories."""

from sidflow import schemas
from sidflow.validation.derive import catalogue_columns, history_columns, interaction_columns
from sidflow.validation.engine import Range
from sidflow.validation.suite import FactCheck, Facts, RowCheck, RowSuite, Suite, at, tallied
from sidflow.validation.tallies import Newest, OutOfOrder

REJECTS_NEXT = "Rejected rows are in the rejects folder with reason and raw text: mend them"


def _reject_share(facts: Facts) -> float:
    """Share of the source rows that were rejected; rejects are counted by reason."""
    return float(sum(facts["rejects"].values()) / max(facts["source_rows"], 1))


def _microseconds_late(facts: Facts) -> float | None:
    """By how much the newest interaction is at or after the run's logical time, which is exclusive."""
    newest = facts["row_checks"]["facts"]["newest"]
    return None if newest is None else float(max(0, newest - facts["effective_as_of_us"] + 1))


INTERACTIONS = Suite(
    facts=(
        FactCheck(
            "few source rows are rejected",
            "reject_share",
            _reject_share,
            f"{REJECTS_NEXT}, check interactions.columns, or raise interactions.gate.max_reject_share.",
            maximum="max_reject_share",
        ),
        FactCheck(
            "there are enough interactions",
            "rows",
            at("rows"),
            "Check interactions.path, interactions.keep and --as-of, or lower interactions.gate.min_rows.",
            minimum="min_rows",
        ),
        FactCheck(
            "no interaction is of the run's future",
            "microseconds_late",
            _microseconds_late,
            "This breaks the split: run again with --refresh interactions, and report it if it stays.",
            maximum=0,
            optional=True,
        ),
    ),
    rows=RowSuite(
        schema=schemas.INTERACTIONS,
        columns=interaction_columns,
        checks=(
            RowCheck("has text", "user_id", Range("user_bytes", minimum=1)),
            RowCheck("has text", "item_id", Range("item_bytes", minimum=1)),
            RowCheck("is in 1970 or later", "timestamp", Range("timestamp", minimum=0)),
        ),
        tallies={"newest": lambda: Newest("timestamp")},
    ),
)

ITEMS = Suite(
    facts=(
        FactCheck(
            "few source rows are rejected",
            "reject_share",
            _reject_share,
            f"{REJECTS_NEXT}, check catalogue.columns, or raise catalogue.gate.max_reject_share.",
            maximum="max_reject_share",
        ),
    ),
)

CATALOGUE = Suite(
    facts=(
        FactCheck(
            "there are enough items",
            "rows",
            at("rows"),
            "Check catalogue.path, catalogue.appears and --as-of, or lower catalogue.gate.min_items.",
            minimum="min_items",
        ),
        FactCheck(
            "every item is there once, ascending by id",
            "out_of_order",
            tallied("out_of_order"),
            "Item indices depend on it: run again with --refresh catalogue.",
            maximum=0,
        ),
    ),
    rows=RowSuite(
        schema=schemas.CATALOGUE,
        columns=catalogue_columns,
        checks=(RowCheck("has text", "item_id", Range("item_bytes", minimum=1)),),
        tallies={"out_of_order": lambda: OutOfOrder("item_id")},
    ),
)

AVAILABILITY = Suite(
    facts=(
        FactCheck(
            "some item may be recommended",
            "available",
            at("available"),
            "Every item is marked unavailable: check the column of catalogue.columns.available.",
            minimum=1,
        ),
        FactCheck(
            "every item is there once, ascending by id",
            "out_of_order",
            tallied("out_of_order"),
            "Item indices depend on it: run again with --refresh availability.",
            maximum=0,
        ),
    ),
    rows=RowSuite(
        schema=schemas.AVAILABILITY,
        columns=catalogue_columns,
        checks=(RowCheck("has text", "item_id", Range("item_bytes", minimum=1)),),
        tallies={"out_of_order": lambda: OutOfOrder("item_id")},
    ),
)

HISTORIES = Suite(
    facts=(
        FactCheck(
            "there are enough users",
            "users",
            at("users"),
            "Lower histories.min_user_events or min_item_events, give a longer log, or lower histories.gate.min_users.",
            minimum="min_users",
        ),
        FactCheck(
            "few interactions are with items outside the catalogue",
            "unknown_item_share",
            at("unknown_item_share"),
            "Complete the catalogue, see that both write ids alike, or raise histories.gate.max_unknown_item_share.",
            maximum="max_unknown_item_share",
        ),
        FactCheck(
            "every user is there once, ascending by id",
            "out_of_order",
            tallied("out_of_order"),
            "Run again with --refresh histories.",
            maximum=0,
        ),
    ),
    rows=RowSuite(
        schema=schemas.HISTORIES,
        columns=history_columns,
        checks=(
            RowCheck("has text", "user_id", Range("user_bytes", minimum=1)),
            RowCheck("has an event", "items", Range("events", minimum=1)),
            RowCheck("has only items of the catalogue", "items", Range("unknown_items", maximum=0)),
            RowCheck("has one time an event", "timestamps", Range("timestamps_beyond", 0, 0)),
            RowCheck("does not run backwards", "timestamps", Range("steps_back", maximum=0)),
            RowCheck("is not negative", "n_train", Range("n_train", minimum=0)),
            RowCheck("is not negative", "n_validation", Range("n_validation", minimum=0)),
            RowCheck("leaves no event twice in the split", "n_train + n_validation", Range("n_test", minimum=0)),
        ),
        tallies={"out_of_order": lambda: OutOfOrder("user_id")},
    ),
)
