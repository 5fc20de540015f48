"""What a person sees of a stage in the Prefect UI."""

from collections.abc import Iterable, Mapping
from typing import Any

from prefect.artifacts import create_table_artifact
from prefect.context import TaskRunContext


def show_gates(kind: str, gates: Iterable[Mapping[str, Any]]) -> None:
    """A table of the gate's expectations, what was observed, and the limits."""
    if TaskRunContext.get() is None:
        return
    rows = [
        {
            "passed": "yes" if each["success"] else "NO",
            "expectation": each["expectation"],
            "subject": each["subject"],
            "observed": each["observed"],
            "minimum": each["minimum"],
            "maximum": each["maximum"],
        }
        for each in gates
    ]
    if rows:
        create_table_artifact(rows, key=f"gate-{kind.replace('_', '-')}", description=f"Gate of {kind}")
