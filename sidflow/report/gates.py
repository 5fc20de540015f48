"""Section: what every gate asked, what it saw, and what it said."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sidflow.artifacts import Manifest
from sidflow.report.blocks import Block, Cell, Mark, Note, Section, Table, table
from sidflow.report.formats import anything
from sidflow.report.subject import Subject

Gates = Mapping[str, Sequence[Mapping[str, Any]]]
COLUMNS = ("expectation", "about", "observed", "minimum", "maximum", "verdict")


def gates(subject: Subject) -> Section:
    """Failed expectations open, the others folded by stage."""
    judged = {kind: latest_gates(subject, each) for kind, each in subject.manifests.items()}
    return Section(
        "gates",
        "Gates",
        gate_blocks(judged),
        "What must hold before a stage's data are published. A release cannot exist with a failed gate, unless a limit "
        "was tightened since.",
    )


def latest_gates(subject: Subject, manifest: Manifest) -> Sequence[Mapping[str, Any]]:
    """The newest verdict: that of a later run with other limits, else the one when it was made."""
    content = subject.store.storage.read(f"{manifest.folder}/verdict.json")
    return json.loads(content)["gates"] if content else manifest.gates


def gate_blocks(judged: Gates) -> tuple[Block, ...]:
    """How many passed, a table of all failures, and a folded table a stage."""
    everything = [(kind, each) for kind, results in judged.items() for each in results]
    failed = [(kind, each) for kind, each in everything if not each["success"]]
    if not everything:
        return (Note("No gate is recorded for this release.", "missing"),)
    said = f"{len(everything) - len(failed)} of {len(everything)} expectations passed over {len(judged)} stages."
    blocks: list[Block] = [Note(said, "alarm" if failed else "plain")]
    if failed:
        blocks.append(gate_table("Failed expectations", [each for _, each in failed]))
        blocks += [Note(f"{kind}: {each['next_step']}", "alarm") for kind, each in failed if each.get("next_step")]
    for kind, results in judged.items():
        passed = sum(bool(each["success"]) for each in results)
        if results:
            blocks.append(gate_table(f"Gate of {kind}", results, f"{kind}: {passed} of {len(results)} passed"))
    return tuple(blocks)


def gate_table(caption: str, results: Sequence[Mapping[str, Any]], folded: str = "") -> Table:
    """A row an expectation."""
    rows: list[tuple[Cell, ...]] = [
        (
            str(each["expectation"]),
            Mark(str(each["subject"]), "code"),
            *(anything(each.get(name)) for name in ("observed", "minimum", "maximum")),
            Mark("passed", "good") if each["success"] else Mark("FAILED", "bad"),
        )
        for each in results
    ]
    return table(caption, COLUMNS, rows, "llrrrl", folded=folded)
