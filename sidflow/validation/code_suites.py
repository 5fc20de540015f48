"""What is expected of the quantiser and of semantic IDs."""

from sidflow import schemas
from sidflow.validation.derive import sid_columns
from sidflow.validation.engine import Range
from sidflow.validation.suite import FactCheck, Facts, RowCheck, RowSuite, Suite, at, greatest, last, least, tallied
from sidflow.validation.tallies import OutOfOrder, SharedCodes

MIN_HELDOUT = 200  # pairs below which their lift is mostly chance: a share of 15% rests on 30 of them
COLLAPSED = "Lower quantizer.lr or balance_weight (too much of either collapses codebooks), raise revive_below, or "
ALIKE = "See whether embedding.template says what items are, train longer (quantizer.steps), or lower "


def _first_lift(name: str, facts: Facts) -> float | None:
    """Lift at prefixes of one code, where it was measured."""
    measured = facts[name]
    return measured[0]["lift"] if measured else None


def _heldout_lift(facts: Facts) -> float | None:
    enough = facts["cohesion"] and facts["cohesion"][0]["pairs"] >= MIN_HELDOUT
    return _first_lift("cohesion", facts) if enough else None


def _category_lift(facts: Facts) -> float | None:
    return facts["nmi"]["lift"] if facts["nmi"] else None


QUANTIZER = Suite(
    facts=(
        FactCheck(
            "every level uses enough of its codes",
            "usage",
            least("usage"),
            "Raise quantizer.revive_below or steps, shrink quantizer.codebooks, or lower quantizer.gate.min_usage.",
            minimum="min_usage",
        ),
        FactCheck(
            "every level's codes are used evenly enough",
            "perplexity",
            least("perplexity"),
            f"{COLLAPSED}lower quantizer.gate.min_perplexity.",
            minimum="min_perplexity",
        ),
        FactCheck(
            "no level's items are all on a few codes",
            "gini",
            greatest("gini"),
            f"{COLLAPSED}raise quantizer.gate.max_gini.",
            maximum="max_gini",
        ),
        FactCheck(
            "every level tells apart what earlier ones did not",
            "conditional_entropy",
            least("conditional_entropy"),
            "Use fewer levels of quantizer.codebooks, or lower quantizer.gate.min_conditional_entropy.",
            minimum="min_conditional_entropy",
        ),
        FactCheck(
            "enough items have an SID of their own before repair",
            "unique_share",
            at("unique_share"),
            "Give quantizer.codebooks more codes or a level more, or lower quantizer.gate.min_unique_share.",
            minimum="min_unique_share",
        ),
        FactCheck(
            "codes explain the latents",
            "explained_variance",
            last("explained_variance"),
            f"{COLLAPSED}lower quantizer.gate.min_explained_variance.",
            minimum="min_explained_variance",
        ),
        FactCheck(
            "codes explain the embeddings",
            "embedding_variance",
            last("embedding_variance"),
            f"{COLLAPSED}lower quantizer.gate.min_embedding_variance.",
            minimum="min_embedding_variance",
        ),
        FactCheck(
            "first codes agree with categories",
            "nmi.lift",
            _category_lift,
            f"{ALIKE}quantizer.gate.min_category_lift.",
            minimum="min_category_lift",
            unmeasured="the catalogue has no category, or one for all",
        ),
        FactCheck(
            "near items share first codes",
            "neighbours.lift",
            lambda facts: _first_lift("neighbours", facts),
            f"{ALIKE}quantizer.gate.min_neighbour_lift.",
            minimum="min_neighbour_lift",
            unmeasured="no two items that were compared share a first code",
        ),
        FactCheck(
            "held-out pairs share first codes",
            "cohesion.lift",
            _heldout_lift,
            "Raise quantizer.collaborative or steps, or lower quantizer.gate.min_heldout_lift.",
            minimum="min_heldout_lift",
            unmeasured=f"it takes {MIN_HELDOUT} held-out pairs, and ends of different pairs on one first code",
        ),
    ),
)


def _shared_codes(facts: Facts) -> float | None:
    """Items that share a semantic ID, where that is not allowed."""
    return None if facts.get("mode") == "allow" else tallied("shared_codes")(facts)


SEMANTIC_IDS = Suite(
    facts=(
        FactCheck(
            "no two items share a semantic ID",
            "shared_codes",
            _shared_codes,
            "Run again with --refresh semantic_ids; to permit it, set semantic_ids.uniqueness=allow.",
            maximum=0,
            optional=True,
        ),
        FactCheck(
            "few items are moved off their nearest code",
            "repaired_share",
            at("repaired_share"),
            "Give quantizer.codebooks more codes or a level more, or raise semantic_ids.gate.max_repaired_share.",
            maximum="max_repaired_share",
        ),
        FactCheck(
            "codes that items have are nearly as good as their nearest",
            "distortion_ratio",
            at("distortion_ratio"),
            "Give quantizer.codebooks more codes or a level more, lower semantic_ids.hysteresis, or raise "
            "semantic_ids.gate.max_distortion_ratio.",
            maximum="max_distortion_ratio",
        ),
        FactCheck(
            "few known items change their semantic ID",
            "churn",
            at("churn"),
            "Raise semantic_ids.hysteresis, set refresh.force=assign_new, or raise semantic_ids.gate.max_churn.",
            maximum="max_churn",
        ),
        FactCheck(
            "every item is there once, ascending by id",
            "out_of_order",
            tallied("out_of_order"),
            "Run again with --refresh semantic_ids.",
            maximum=0,
        ),
    ),
    rows=RowSuite(
        schema=schemas.SEMANTIC_IDS,
        columns=sid_columns,
        checks=(
            RowCheck("has text", "item_id", Range("item_bytes", minimum=1)),
            RowCheck("has one code a level", "codes", Range("levels_beyond", 0, 0)),
            RowCheck("is inside its level", "codes", Range("codes_outside", maximum=0)),
            RowCheck("says the codes", "sid", Range("says_codes", 1, 1)),
        ),
        tallies={"out_of_order": lambda: OutOfOrder("item_id"), "shared_codes": SharedCodes},
    ),
)
