"""A run that publishes a release also writes its report, and survives when it cannot."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from flows.evidence import is_new, served_reports
from flows.report_server import report_server
from flows.steps import StepRecord, Summary
from tests.conftest import Sidflow
from tests.flows.conftest import finish
from tests.prefect_api import ask


def artifacts_beside(server: str, report: str) -> dict[str, Any]:
    """The artifacts, by key, of the one run whose `report` says this; the server also holds other tests' runs."""
    reports = ask(f"{server}/api/artifacts/filter", {"artifacts": {"key": {"any_": ["report"]}}})
    (run,) = {each["flow_run_id"] for each in reports if each["data"] == report}
    of_run = {"flow_runs": {"id": {"any_": [run]}}}
    return {each["key"]: each for each in ask(f"{server}/api/artifacts/filter", of_run)}


@pytest.mark.slow
def test_a_run_links_its_report_and_shows_figures(server: str, world: Path, sidflow: Sidflow) -> None:
    """With `sidflow serve` the link opens the page; figures are images, facts tables; no release, no report."""
    with report_server(str(world / "store")) as address:
        (world / ".sidflow").mkdir()
        (world / ".sidflow" / "server.json").write_text(json.dumps({"url": server, "pid": 0, "reports": address}))
        release = finish(sidflow("run", "--json"))[0]["release"]
        link = f"{address}/{release}.html"
        found = artifacts_beside(server, f"[Report of release {release}]({link})")
        with urllib.request.urlopen(link, timeout=20) as response:
            assert f"sidflow release {release}" in response.read().decode()
    facts = {each["fact"]: each["value"] for each in json.loads(found["facts-pairs"]["data"])}
    assert {"significant", "dropped.below_support", "coverage_by_popularity_decile", "fdr_hat"} <= set(facts)
    images = {key: each["data"] for key, each in found.items() if each["type"] == "image"}
    assert set(images) == {
        "figure-metrics-baselines", "figure-decoder-validation", "figure-code-usage", "figure-item-map",
    }  # fmt: skip
    assert all(each.startswith("data:image/png;base64,") and len(each) < 80_000 for each in images.values())
    (page,) = (world / "store" / "reports").iterdir()
    page.unlink()
    finish(sidflow("run", "--json"))
    assert not page.exists()


@pytest.mark.slow
def test_a_report_that_fails_fails_no_release(server: str, world: Path, sidflow: Sidflow) -> None:
    """The run succeeds and publishes; the failed task is in the UI, the reason and the next step in the log."""
    (world / "store").mkdir()
    (world / "store" / "reports").write_text("in the way")
    answer, said = finish(sidflow("run", "--json"))
    assert f"release {answer['release']} is published, but its report could not be written" in said
    assert f"Try again: sidflow report {answer['release']}" in said
    wanted = {"task_runs": {"name": {"any_": ["write-report"]}}, "sort": "EXPECTED_START_TIME_DESC", "limit": 1}
    (task,) = ask(f"{server}/api/task_runs/filter", wanted)
    assert task["state_type"] == "FAILED"


def summary(cached: bool, kinds: tuple[str, ...] = ("metrics", "release")) -> Summary:
    """A run's summary."""
    steps = [StepRecord(kind=kind, fingerprint="f", path="p", rows=1, seconds=0, cached=cached) for kind in kinds]
    return Summary(release="abc" if "release" in kinds else None, artifacts=steps, metrics=None, decision=None)


def test_what_is_new() -> None:
    """A cached release is not, nor is a run that ended before it."""
    assert is_new(summary(cached=False))
    assert not is_new(summary(cached=True))
    assert not is_new(summary(False, ("metrics",)))


@pytest.mark.parametrize("content", [None, "no json", "{}", '{"reports": null}'])
def test_reports_that_nobody_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None) -> None:
    """No file, another file, or a server of before there were reports."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sidflow").mkdir()
    if content is not None:
        (tmp_path / ".sidflow" / "server.json").write_text(content)
    assert served_reports() is None
