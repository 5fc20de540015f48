"""Settings of the data set, the decoder, its evaluation, releases and schedules."""

from typing import Annotated, Literal

from pydantic import Field

from sidflow.config.fields import Names, Section, identity, operational


class DatasetConfig(Section):
    """Stage `dataset`: index sequences and the SID table; tokens are a gather."""

    max_items: int = identity(50, "Most recent items of a history that the decoder sees.", ge=2)


class DecoderConfig(Section):
    """Stage `decoder`: the hierarchical decoder."""

    dim: int = identity(128, "Width of the model.", ge=8)
    layers: int = identity(2, "Transformer layers over items.", ge=1)
    heads: int = identity(4, "Attention heads.", ge=1)
    dropout: float = identity(0.4, "Dropout.", ge=0, lt=1)
    code_dropout: float = identity(0.2, "Share of input codes that are masked in training.", ge=0, lt=1)
    item_dropout: float = identity(
        0.5, "Share of per-item vectors that are dropped in training, so that new items work.", ge=0, le=1
    )
    dense_weight: float = identity(
        1.0, "Weight of the dense head's full softmax over items; 0 trains without it.", ge=0
    )
    dense_candidates: int = identity(
        4_000, "Items in the dense softmax of a step, drawn and weighted where more were trained on.", ge=2
    )
    dense_share: float = identity(0.5, "Share of the dense head in the score of an item inside the beam.", ge=0, le=1)
    rescore: bool = identity(
        True, "Weigh what the beam finds against what the log remembers, by weights fitted on validation targets."
    )
    rescore_users: int = identity(20_000, "Validation users that these weights are fitted on, drawn by the seed.", ge=1)
    cold_share: float = identity(
        0.0, "Share of every list that is kept for items without training events; 0.1 is every tenth place.", ge=0, le=1
    )
    label_smoothing: float = identity(0.0, "Label smoothing of the level losses.", ge=0, lt=1)
    epochs: int = identity(30, "Passes over the training histories.", ge=1)
    batch_positions: int = identity(1_000, "Item positions a step; histories of like length share a batch.", ge=2)
    lr: float = identity(2e-3, "AdamW learning rate after warm-up; cosine to zero.", gt=0)
    warmup: float = identity(0.05, "Share of the steps in which the learning rate rises.", ge=0, lt=1)
    weight_decay: float = identity(0.05, "AdamW weight decay, on matrices only.", ge=0)
    clip_norm: float = identity(1.0, "Largest gradient norm.", gt=0)
    patience: int = identity(8, "Validations without a better NDCG@10 before training stops; 0 never stops.", ge=0)
    validate_every: int = identity(2, "Epochs between validations.", ge=1)
    validation_users: int = identity(4_000, "Users of a validation, drawn once by the seed.", ge=1)
    validation_beam: int = identity(20, "Beam width of a validation.", ge=1)
    warm_start: bool = identity(True, "Start from the previous release's decoder, if it fits.")
    warm_epochs: float = identity(0.3, "Share of the epochs of a warm-started training.", gt=0, le=1)
    warm_lr: float = identity(0.3, "Share of the learning rate of a warm-started training.", gt=0, le=1)
    precision: Literal["auto", "float32", "bfloat16"] = identity("auto", "auto is bfloat16 where the processor has it.")
    processes: int = operational(
        1, "Processes that train side by side on this machine, one a GPU or a share of the cores each.", ge=1
    )
    checkpoint_seconds: float | None = operational(
        30.0, "Time between two notes of the state, from which a killed training goes on; null keeps none.", ge=0
    )
    seed: int = identity(0, "Random seed.", ge=0, le=2**32 - 1)


class EvaluationConfig(Section):
    """Stage `metrics`: full-catalogue ranking of the test events."""

    beam: int = identity(50, "Beam width.", ge=1)
    cutoffs: tuple[Annotated[int, Field(ge=1)], ...] = identity(
        (5, 10, 50), "Cut-offs of Recall and NDCG; 5 and 10 are always there.", min_length=1
    )
    bootstrap: int = identity(1_000, "Resamples of the paired bootstrap over users.", ge=0)
    batch_users: int = operational(256, "Users scored at once.", ge=1)


class ReleaseGate(Section):
    """What a release must satisfy. The default asks for sanity, so that a short trial run is released."""

    min_lift_over_random: float = operational(
        1.0, "Test Recall@10 over that of a random ranking must be above this.", ge=0
    )
    min_recall_at_10: float = operational(0.0, "Smallest test Recall@10.", ge=0, le=1)
    max_recall_drop: float = operational(
        1.0, "Largest relative loss of Recall@10 against the previous release.", ge=0, le=1
    )


class ReleaseConfig(Section):
    """Stage `release`: what becomes live."""

    keep: int = operational(10, "Releases that survive garbage collection, beside tagged ones.", ge=2)
    tags: Names = operational((), "Tags of this run's release.")
    promote: bool = operational(False, "Let a release older than the current one become current.")
    gate: ReleaseGate = operational(ReleaseGate(), "Gate limits.")


class Deployment(Section):
    """A flow that `make serve` offers, with its schedule."""

    name: str = operational(..., "Name in the Prefect UI.")
    flow: Literal["refresh", "backfill", "retrain", "score"] = operational("refresh", "Which flow.")
    cron: str | None = operational(None, "Schedule, five cron fields, UTC; null runs by hand only.")
    overrides: tuple[str, ...] = operational((), "section.key=value settings of this deployment.")
    parameters: dict[str, str | int | bool] = operational(
        {}, "Other parameters of the flow, such as out, k and force of score."
    )


class DeploymentsConfig(Section):
    """What `make serve` serves."""

    serve: tuple[Deployment, ...] = operational(
        (
            Deployment(name="nightly-refresh", flow="refresh", cron="0 3 * * *", overrides=("histories.split=time",)),
            Deployment(name="refresh-by-hand", flow="refresh"),
            Deployment(name="retrain-by-hand", flow="retrain"),
        ),
        "Deployments.",
    )
    port: int = operational(0, "Port of the server and UI on 127.0.0.1; 0 takes a free one.", ge=0, le=65_535)
