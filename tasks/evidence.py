"""What a person sees of a stage in the Prefect UI."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prefect.artifacts import create_table_artifact
from prefect.context import TaskRunContext


def show_gates(kind: str, gates: Iterable[Mapping[str, Any]]) -> None:
    """A table of the gate's expectations, what was observed, and the limits."""
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
    _show_table("gate", kind, rows, f"Gate of {kind}")


def show_facts(kind: str, facts: Mapping[str, Any]) -> None:
    """A table of the manifest's facts; what its rows were measured to be is in the gate's table."""
    stated = {name: value for name, value in facts.items() if name != "row_checks"}
    rows = [{"fact": name, "value": value} for name, value in flattened(stated)]
    _show_table("facts", kind, rows, f"What {kind} came to")


def flattened(facts: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str | int | float | bool]]:
    """Facts as dotted names and single values; a list of plain values becomes one text, None and empty ones a dash."""
    for name, value in facts.items():
        if isinstance(value, Mapping) and value:
            yield from flattened(value, f"{within}{name}.")
        elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
            yield from flattened({str(place): each for place, each in enumerate(value, 1)}, f"{within}{name}.")
        elif isinstance(value, list) and value:
            yield f"{within}{name}", " ".join("-" if each is None else f"{each}" for each in value)
        else:
            yield f"{within}{name}", value if isinstance(value, str | int | float) else "-"


def _show_table(what: str, kind: str, rows: list[dict[str, Any]], description: str) -> None:
    if rows and TaskRunContext.get() is not None:
        create_table_artifact(rows, key=f"{what}-{kind.replace('_', '-')}", description=description)
