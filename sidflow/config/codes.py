"""Settings of the stages that quantise items and assign their semantic IDs."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sidflow.config.fields import Names, Section, identity, operational


class QuantizerGate(Section):
    """What a quantiser must satisfy; lifts are of first codes, and random codes have about 1."""

    min_usage: float = operational(0.05, "Smallest share of codes in use at any level.", ge=0, le=1)
    min_perplexity: float = operational(0.05, "Smallest perplexity over codebook size at any level.", ge=0, le=1)
    max_gini: float = operational(0.98, "Largest Gini coefficient of the items by code at any level.", ge=0, le=1)
    min_conditional_entropy: float = operational(
        0.0,
        "Smallest entropy of a level's codes given the earlier ones, over ln K; a last level may have little.",
        ge=0,
        le=1,
    )
    min_unique_share: float = operational(
        0.0, "Smallest share of distinct SIDs, over items, before they are made unique.", ge=0, le=1
    )
    min_explained_variance: float = operational(
        0.1,
        "Smallest share of the latents' variance that all levels explain; 0 if all items are on one code.",
        ge=0,
        le=1,
    )
    min_embedding_variance: float = operational(
        0.0,
        "Smallest share of the embeddings' variance that all levels explain; random codes: about codes over items.",
        ge=0,
        le=1,
    )
    min_category_lift: float = operational(
        0.0, "Smallest normalised mutual information with categories, over that of shuffled ones.", ge=0
    )
    min_neighbour_lift: float = operational(
        0.0, "Smallest share of the 10 nearest items on an item's first code, over that of any items.", ge=0
    )
    min_heldout_lift: float = operational(
        0.0, "Smallest share of held-out pairs on one first code, over that of ends of different pairs.", ge=0
    )


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
    lr: float = identity(3e-3, "AdamW learning rate, cosine to a hundredth.", gt=0, le=1_000)
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
        0.9, "Largest share of items off their nearest code: moved to be unique, or kept on an old one.", ge=0, le=1
    )
    max_distortion_ratio: float = operational(
        10.0, "Largest squared error of the codes that items have, over that of their nearest codes.", ge=1
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
    topic_columns: Names | None = identity(
        None, "Catalogue columns that name topics, beside the title; null: those of embedding.template."
    )
    gate: SemanticIdsGate = operational(SemanticIdsGate(), "Gate limits.")
