"""A whole report: complete for a whole release, and honest where something is gone."""

import logging
from pathlib import Path

import pytest

from sidflow.artifacts import Store
from sidflow.release import find_release, live_release
from sidflow.report import Report, build_report, render
from sidflow.report.blocks import Figure, Note
from sidflow.report.churn import churn
from sidflow.report.subject import Subject

FIGURES = {
    "metrics-baselines", "recall-curve", "prefix-sunburst", "item-map", "code-usage", "churn-by-level",
    "quantizer-losses", "quantizer-perplexity", "decoder-losses", "decoder-validation", "pair-support", "pair-pmi",
    "pair-coverage", "stage-times",
}  # fmt: skip


def test_a_whole_release_has_every_section_and_figure(report: Report) -> None:
    """Nothing is missing, and every figure says how it is read and what would be alarming."""
    assert report.missing == {}
    assert len(report.sections) == 12
    assert set(report.figures) == FIGURES
    assert all(len(each.reading) > 60 and len(each.summary) > 20 for each in report.figures.values())
    alarming = [each.name for each in report.figures.values() if "larming" not in each.reading]
    assert alarming == []


def test_the_first_release_has_no_predecessor(two_releases: Path) -> None:
    """Its report is complete too; the section on change says why it is empty."""
    store = Store(str(two_releases / "store"))
    first = find_release(store, str(live_release(store).previous))
    report = build_report(store, first)
    assert report.missing == {}
    assert "churn-by-level" not in report.figures
    assert "no predecessor" in render(report)


def test_what_was_collected_is_left_out_with_its_reason(own_releases: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A release without its pairs and its predecessor's SIDs has all other sections, and says what it lacks."""
    store = Store(str(own_releases / "store"))
    release = live_release(store)
    previous = find_release(store, str(release.previous))
    for artifact in (release.artifact("pairs"), previous.artifact("semantic_ids")):
        (own_releases / "store" / artifact.path).parent.joinpath("manifest.json").unlink()
    with caplog.at_level(logging.WARNING):
        report = build_report(store, release)
    assert set(report.missing) == {"pairs", "churn"}
    assert "holds no manifest.json" in report.missing["pairs"]
    assert "section 'pairs' is left out" in caplog.text
    assert "This section could not be made" in render(report)
    assert set(report.figures) == FIGURES - {"pair-support", "pair-pmi", "pair-coverage", "churn-by-level"}


def test_a_release_that_keeps_every_sid(two_releases: Path) -> None:
    """Compared with itself nothing has moved: a sentence says so instead of an empty figure."""
    store = Store(str(two_releases / "store"))
    release = live_release(store)
    section = churn(Subject(store, release.model_copy(update={"previous": release.id})))
    assert Note("No item of both releases changed its semantic ID.") in section.blocks
    assert not [each for each in section.blocks if isinstance(each, Figure)]


def test_curves_of_an_older_release_may_be_missing(own_releases: Path) -> None:
    """Without the kept curves the section says so and still shows the facts."""
    store = Store(str(own_releases / "store"))
    release = live_release(store)
    for kind in ("quantizer", "decoder"):
        manifest = store.manifest(release.artifact(kind))
        parts = tuple(each for each in manifest.parts if not each.name.startswith("beside/"))
        store.record(manifest.model_copy(update={"parts": parts}))
    learning = next(each for each in build_report(store, release).sections if each.name == "learning")
    assert not learning.failed
    assert not [each for each in learning.blocks if isinstance(each, Figure)]
