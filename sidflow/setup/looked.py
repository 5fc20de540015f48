"""What `sidflow validate` saw of the inputs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from sidflow.errors import SidflowError
from sidflow.sources import REJECTS_SCHEMA, count_reasons


@dataclass
class InputLook:
    """One input, as far as it was read.

    Attributes:
        path: Where it is.
        files: Source files.
        source_rows: Rows read.
        complete: Whether these are all.
        cleaned: n rows or items that count.
        rejects: file, row, reason, raw.
        not_kept: Sound interactions that a keep rule passes over, by rule.
        limit: Largest share of rejects that the gate lets pass.
    """

    path: str
    limit: float
    files: int = 0
    source_rows: int = 0
    complete: bool = False
    cleaned: pa.Table = field(default_factory=lambda: pa.table({}))
    rejects: pa.Table = field(default_factory=REJECTS_SCHEMA.empty_table)
    not_kept: dict[str, int] = field(default_factory=dict)

    @property
    def reject_share(self) -> float:
        """Rejected rows over rows read."""
        return float(self.rejects.num_rows / max(self.source_rows, 1))

    def to_json(self, shown: int) -> dict[str, Any]:
        """As JSON, with the first `shown` rows and rejects."""
        return {
            "path": self.path,
            "files": self.files,
            "source_rows": self.source_rows,
            "complete": self.complete,
            "rows": self.cleaned.num_rows,
            "first": [{name: _json(value) for name, value in row.items()} for row in self.cleaned[:shown].to_pylist()],
            "rejects": count_reasons(self.rejects),
            "reject_share": self.reject_share,
            "max_reject_share": self.limit,
            "reject_examples": examples(self.rejects, shown),
            "not_kept": self.not_kept,
        }


@dataclass
class Looks:
    """Both inputs, what they say together, and what is wrong.

    Attributes:
        interactions: The log.
        catalogue: The items.
        known_share: Share of the interactions read whose item is among the items read; None without either.
        unknown: Some items that are not.
        texts: The embedding text of the first items.
        problems: What stops a run.
        warnings: What may stop it, or what a sample cannot decide.
    """

    interactions: InputLook
    catalogue: InputLook
    known_share: float | None = None
    unknown: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def collect(self, check: Callable[[], None]) -> bool:
        """Run a check, and keep what it says is wrong; whether nothing is."""
        try:
            check()
        except SidflowError as error:
            self.problems.append(str(error))
            return False
        return True


def examples(rejects: pa.Table, shown: int) -> list[dict[str, Any]]:
    """Rejected rows, the first of each reason before the second of any."""
    met: dict[str, int] = {}
    ranked = []
    for index, reason in enumerate(rejects["reason"].to_pylist()):
        met[reason] = met.get(reason, 0) + 1
        if met[reason] <= shown:
            ranked.append((met[reason], index))
    chosen = sorted(index for _, index in sorted(ranked)[:shown])
    found: list[dict[str, Any]] = rejects.take(pa.array(chosen, pa.int64())).to_pylist()
    return found


def _json(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | list | None) else value.isoformat()
