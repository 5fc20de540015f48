"""Section: what came in, and what was dropped on the way, by reason."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sidflow.artifacts import Facts as Numbers
from sidflow.report.blocks import Block, Facts, Note, Section, Table, facts, table
from sidflow.report.formats import count, share
from sidflow.report.subject import Subject

LOST = {
    "interactions": (("rejects", "rejected"), ("not_kept", "not kept by interactions.keep")),
    "catalogue": (("rejects", "rejected"), ("not_yet", "not yet there at this time")),
    "histories": (("dropped", "dropped"),),
    "embeddings": (("without_vector", "without a precomputed vector"),),
}


def inputs(subject: Subject) -> Section:
    """Facts of the four stages that read the data, and one table of all that was lost."""
    known = {kind: subject.manifests[kind].metrics for kind in LOST if kind in subject.manifests}
    describe = {
        "interactions": describe_interactions,
        "catalogue": describe_catalogue,
        "histories": describe_histories,
        "embeddings": describe_embeddings,
    }
    blocks: list[Block] = [describe[kind](numbers) for kind, numbers in known.items()]
    lost = lost_rows(known)
    blocks.append(lost if lost.rows else Note("No row was rejected or dropped."))
    return Section("inputs", "Inputs", tuple(blocks), "What the run read, and what it did not use and why.")


def describe_interactions(numbers: Numbers) -> Facts:
    """The log."""
    first, last = numbers.get("min_timestamp_us"), numbers.get("max_timestamp_us")
    return facts(
        "Interactions",
        {
            "source rows": count(numbers.get("source_rows")),
            "rows used": count(numbers.get("rows")),
            "first event": _day(first),
            "last event": _day(last),
            "sources": count(len(numbers["sources"])) if "sources" in numbers else None,
        },
        wide=False,
    )


def describe_catalogue(numbers: Numbers) -> Facts:
    """The items."""
    return facts(
        "Catalogue",
        {
            "source rows": count(numbers.get("source_rows")),
            "items": count(numbers.get("items")),
            "unavailable": count(numbers.get("unavailable")),
            "without a title": count(numbers.get("empty_titles")),
        },
        wide=False,
    )


def describe_histories(numbers: Numbers) -> Facts:
    """The users."""
    return facts(
        "Histories",
        {
            "users": count(numbers.get("users")),
            "events": count(numbers.get("events")),
            "training events": count(numbers.get("train_events")),
            "validation events": count(numbers.get("validation_targets")),
            "test events": count(numbers.get("test_targets")),
            "events a user, median": count(numbers.get("median_length")),
            "events a user, most": count(numbers.get("max_length")),
            "split": numbers.get("split"),
        },
        wide=False,
    )


def describe_embeddings(numbers: Numbers) -> Facts:
    """The texts."""
    return facts(
        "Texts",
        {
            "model": numbers.get("model"),
            "dimensions": count(numbers.get("dim")),
            "encoded now": count(numbers.get("encoded")),
            "from the cache": count(numbers.get("from_cache")),
            "empty / cut": f"{count(numbers.get('empty_texts'))} / {count(numbers.get('truncated_texts'))}",
            "distinct vectors": share(numbers.get("distinct_share"), 2),
        },
        wide=False,
    )


def lost_rows(known: Mapping[str, Mapping[str, Any]]) -> Table:
    """Everything that was read and not used, by stage and reason; reasons that never occurred are left out."""
    rows = [
        (kind, what, reason, count(number), _of_source(number, known[kind]))
        for kind, groups in LOST.items()
        for key, what in groups
        for reason, number in known.get(kind, {}).get(key, {}).items()
        if number
    ]
    return table(
        "Rows that were not used, by reason",
        ("stage", "fate", "reason", "rows", "of source rows"),
        rows,
        "lllrr",
        reading="Rejected rows are kept with file, row number and raw text beside the artifact. Alarming: a reason "
        "that was not there in the release before, or a share that grows.",
    )


def _of_source(number: int, numbers: Mapping[str, Any]) -> str:
    return share(number / numbers["source_rows"], 2) if numbers.get("source_rows") else ""


def _day(moment_us: int | None) -> str | None:
    return None if moment_us is None else f"{datetime.fromtimestamp(moment_us / 1e6, UTC):%Y-%m-%d %H:%M}"
