"""What the facts of segments count, and how they add up."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.interactions.clean import Cleaned
from sidflow.sources import count_reasons, counted


def merge_facts(facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The facts of several segments as one: counts add up, times span all, `sources` names the files."""
    earliest = [each["min_timestamp_us"] for each in facts if each["min_timestamp_us"] is not None]
    latest = [each["max_timestamp_us"] for each in facts if each["max_timestamp_us"] is not None]
    return {
        "sources": [each["source"] for each in facts],
        "source_rows": sum(each["source_rows"] for each in facts),
        "rows": sum(each["rows"] for each in facts),
        "rejects": _added(each["rejects"] for each in facts),
        "not_kept": _added(each["not_kept"] for each in facts),
        "min_timestamp_us": min(earliest, default=None),
        "max_timestamp_us": max(latest, default=None),
    }


def losses(facts: dict[str, Any]) -> str:
    """What was rejected and what keep rules passed over, with numbers, to follow a summary; empty if nothing was."""
    told = {"rejected": facts["rejects"], "not kept by interactions.keep": facts["not_kept"]}
    return "".join(f"; {name}: {counted(counts)}" for name, counts in told.items() if any(counts.values()))


def _added(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(sorted(total.items()))


class SegmentCounts:
    """The counts of one segment, batch by batch."""

    def __init__(self) -> None:
        self.source_rows = 0
        self.rows = 0
        self.rejects: Counter[str] = Counter()
        self.not_kept: Counter[str] = Counter()
        self.earliest: int | None = None
        self.latest: int | None = None

    def add(self, source_rows: int, cleaned: Cleaned) -> None:
        """Count one batch."""
        rows = cleaned.rows
        self.source_rows += source_rows
        self.rows += rows.num_rows
        self.not_kept.update(cleaned.not_kept)
        self.rejects.update(count_reasons(cleaned.rejects))
        if rows.num_rows:
            span = pc.min_max(rows["timestamp"].cast(pa.int64())).as_py()
            self.earliest = span["min"] if self.earliest is None else min(self.earliest, span["min"])
            self.latest = span["max"] if self.latest is None else max(self.latest, span["max"])

    def as_dict(self) -> dict[str, Any]:
        """As JSON, reasons sorted."""
        return {
            "source_rows": self.source_rows,
            "rows": self.rows,
            "rejects": dict(sorted(self.rejects.items())),
            "not_kept": dict(sorted(self.not_kept.items())),
            "min_timestamp_us": self.earliest,
            "max_timestamp_us": self.latest,
        }
