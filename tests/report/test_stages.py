"""Stages and gates as tables and bars."""

from typing import Any

from sidflow.artifacts import Manifest
from sidflow.report.blocks import Mark, Note, Table
from sidflow.report.gates import gate_blocks
from sidflow.report.stages import made_by, stage_table, stage_times
from sidflow.report.subject import Subject

MANIFEST = Manifest(
    kind="pairs", fingerprint="f" * 64, attempt="a", revision=1, identity={}, inputs={}, parts=(), rows=1234,
    bytes=2_000_000, columns={}, metrics={}, source_digest="", git_commit=None, git_dirty=None, versions={},
    device="cpu", created="", seconds=12.5, peak_memory_bytes=800_000_000,
)  # fmt: skip
GATE: dict[str, Any] = {
    "expectation": "few are lost", "subject": "pairs.lost", "observed": 0.5, "minimum": None, "maximum": 0.1,
    "success": False, "next_step": "Raise the limit.",
}  # fmt: skip


def test_a_row_says_cost_and_origin() -> None:
    """What an earlier release made is called cached, and from which."""
    manifests = {"pairs": MANIFEST, "decoder": MANIFEST.model_copy(update={"kind": "decoder"})}
    table = stage_table(manifests, {"pairs": "old", "decoder": "new"}, "new")
    assert table.rows[0][:5] == ("pairs", "1,234", "12.5 s", "2.0 MB", "800.0 MB")
    assert table.rows[0][5] == Mark("cached, from old", "muted")
    assert table.rows[1][5] == "this release"
    assert table.rows[1][6] == Mark("f" * 12, "code")


def test_bars_part_own_stages_from_cached_ones() -> None:
    """One trace each; a trace without stages is absent; the release's own record is no stage."""
    manifests = {"pairs": MANIFEST, "decoder": MANIFEST, "release": MANIFEST}
    both = stage_times(manifests, {"pairs": "old"}, "new")
    assert [(each["name"].split()[0], each["y"], each["x"]) for each in both.data] == [
        ("made", ["decoder"], [12.5]),
        ("cached", ["pairs"], [12.5]),
    ]
    assert len(stage_times(manifests, {}, "new").data) == 1


def test_the_first_release_that_pinned_an_artifact_made_it(subject: Subject) -> None:
    """The second release shares what the log's later events do not touch, and fits its own codes."""
    makers = made_by(subject)
    assert makers["quantizer"] == subject.release.id
    shared = [kind for kind, artifact in subject.release.artifacts.items()
              if subject.previous and artifact == subject.previous.release.artifacts.get(kind)]  # fmt: skip
    assert shared
    assert {makers[kind] for kind in shared} == {subject.release.previous}


def test_gates_that_pass_are_folded() -> None:
    """A sentence with the sum, and one folded table a stage."""
    said, table = gate_blocks({"pairs": [{**GATE, "success": True}], "dataset": []})
    assert said == Note("1 of 1 expectations passed over 2 stages.")
    assert isinstance(table, Table)
    assert table.folded == "pairs: 1 of 1 passed"


def test_a_failed_gate_stands_open_with_its_next_step() -> None:
    """Failures come first, unfolded, and say what to do."""
    said, failed, step, _ = gate_blocks({"pairs": [GATE]})
    assert said == Note("0 of 1 expectations passed over 1 stages.", "alarm")
    assert isinstance(failed, Table)
    assert failed.folded == ""
    assert failed.rows[0][2:] == ("0.5", "-", "0.1", Mark("FAILED", "bad"))
    assert step == Note("pairs: Raise the limit.", "alarm")


def test_no_gates_at_all() -> None:
    """A release of before there were gates says so."""
    assert gate_blocks({}) == (Note("No gate is recorded for this release.", "missing"),)
