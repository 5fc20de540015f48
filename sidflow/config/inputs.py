"""Settings of the store, the two inputs and the histories."""

from typing import Literal

from pydantic import model_validator

from sidflow.config.fields import Names, Section, identity, operational


class StoreConfig(Section):
    """Where artifacts and releases live."""

    root: str = operational(
        ".sidflow/store", "Folder or fsspec URL (s3://bucket/prefix) of the artifact store.", min_length=1
    )


class InteractionColumns(Section):
    """Which source column plays which role."""

    user: str = identity("user_id", "Column of the user id; read as text.")
    item: str = identity("item_id", "Column of the item id; read as text.")
    timestamp: str = identity("timestamp", "Column of the event time.")
    event: str | None = identity(None, "Column of the event type (view, buy ...), if there is one.")
    weight: str | None = identity(None, "Column of a numeric weight (rating, watch share ...), if there is one.")
    order_by: Names = identity((), "Tie-breakers for equal timestamps, in order; then the source row.")


class KeepRules(Section):
    """Which interactions count."""

    events: Names = identity((), "Event types that count; empty keeps all.")
    min_weight: float | None = identity(None, "Smallest weight that counts; null keeps all.")


class InteractionsGate(Section):
    """What a batch of interactions must satisfy before it is published."""

    max_reject_share: float = operational(0.05, "Largest share of source rows that may be rejected.", ge=0, le=1)
    min_rows: int = operational(1, "Fewest interactions.", ge=0)


class InteractionsConfig(Section):
    """Stage `interactions`: the raw log."""

    path: str = operational(
        "data/raw/movielens-100k/interactions.csv",
        "File, folder, glob or fsspec URL: Parquet, CSV, TSV, JSON Lines, .gz/.zst.",
        min_length=1,
    )
    columns: InteractionColumns = identity(InteractionColumns(), "Column mapping.")
    timestamp_unit: Literal["auto", "s", "ms", "us", "iso8601"] = identity(
        "auto", "Unit of numeric timestamps; auto decides per file by magnitude. Naive date-times are UTC."
    )
    keep: KeepRules = identity(KeepRules(), "Rules on event and weight; what fails them is counted, not rejected.")
    batch_rows: int = operational(200_000, "Rows read at a time.", ge=1, le=100_000_000)
    gate: InteractionsGate = operational(InteractionsGate(), "Gate limits.")

    @model_validator(mode="after")
    def _rules_have_their_columns(self) -> "InteractionsConfig":
        for rule, value, column, mapped in (
            ("events", list(self.keep.events) or None, "event", self.columns.event),
            ("min_weight", self.keep.min_weight, "weight", self.columns.weight),
        ):
            if value is not None and mapped is None:
                raise ValueError(f"keep.{rule}: is {value}, but no column is mapped for it; set columns.{column} too")
        return self


class CatalogueColumns(Section):
    """Which source column plays which role; all other columns are kept for the embedding template."""

    item: str = identity("item_id", "Column of the item id; read as text.")
    title: str = identity("title", "Column of the title.")
    available_from: str | None = identity(None, "Column of the time from which the item exists (UTC if no zone).")
    available: str | None = identity(None, "Column that says whether the item may be recommended (true/false/1/0).")


class CatalogueGate(Section):
    """What a catalogue must satisfy."""

    max_reject_share: float = operational(0.05, "Largest share of source rows that may be rejected.", ge=0, le=1)
    min_items: int = operational(2, "Fewest items.", ge=1)


class CatalogueConfig(Section):
    """Stage `catalogue`: the items."""

    path: str = operational(
        "data/raw/movielens-100k/items.csv", "File, folder, glob or fsspec URL, as for interactions.", min_length=1
    )
    columns: CatalogueColumns = identity(CatalogueColumns(), "Column mapping.")
    appears: Literal["always", "first_interaction"] = identity(
        "always", "When an item without available_from enters the catalogue."
    )
    gate: CatalogueGate = operational(CatalogueGate(), "Gate limits.")


class HistoriesGate(Section):
    """What the histories must satisfy."""

    min_users: int = operational(2, "Fewest users.", ge=1)
    max_unknown_item_share: float = operational(
        0.10, "Largest share of interactions whose item is not in the catalogue.", ge=0, le=1
    )


class HistoriesConfig(Section):
    """Stage `histories`: each user's ordered items, and what may be learned from."""

    repeats: Literal["exact", "consecutive", "keep"] = identity(
        "exact",
        "exact drops repeats of the same user, item and time; consecutive also an item repeated in a row; keep: none.",
    )
    min_user_events: int = identity(2, "k-core: fewest interactions of a user.", ge=1)
    min_item_events: int = identity(1, "k-core: fewest interactions of an item.", ge=1)
    split: Literal["last-out", "time"] = identity(
        "last-out",
        "last-out: each user's last event is test, the one before validation; time: train before as_of - holdout.",
    )
    holdout: str = identity(
        "7d", "Length of the measured period of split: time, such as 12h, 7d or 4w.", pattern=r"^[1-9]\d*[hdw]$"
    )
    users_per_shard: int = identity(100_000, "Users in one file.", ge=1)
    gate: HistoriesGate = operational(HistoriesGate(), "Gate limits.")
