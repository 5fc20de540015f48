"""Killed and raced runs, with real processes."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sidflow.artifacts import Store
from sidflow.artifacts.kinds import KINDS
from sidflow.release import log_entries
from tests.conftest import Sidflow
from tests.flows.conftest import finish

pytestmark = pytest.mark.slow


def test_killed_in_every_stage_the_next_run_goes_on(sidflow: Sidflow, world: Path) -> None:
    """SIGKILL inside each stage in turn: finished stages are cached, and the result is that of a run left in peace."""
    store = Store(str(world / "store"))
    for kind in KINDS:
        kill_inside(sidflow("run", "--json"), world / "store" / "artifacts" / kind)
        assert all(store.files(store.artifact(each)) for each in store.manifests())
    resumed, _ = finish(sidflow("run", "--json"))
    assert {each["kind"] for each in resumed["artifacts"] if each["cached"]} >= {"interactions", "pairs", "quantizer"}
    peaceful, _ = finish(sidflow("run", "--json", "--set", f"store.root={world}/peace"))
    one, two = ({each["kind"]: each for each in run["artifacts"]} for run in (resumed, peaceful))
    for kind in ("interactions", "catalogue", "pairs", "semantic_ids"):
        assert one[kind]["fingerprint"] == two[kind]["fingerprint"]
        assert pq.read_table(one[kind]["path"]).equals(pq.read_table(two[kind]["path"]))
    assert resumed["metrics"]["test"] == pytest.approx(peaceful["metrics"]["test"], abs=1e-6)


def kill_inside(process: "subprocess.Popen[str]", folder: Path) -> None:
    """SIGKILL a run and its children as soon as an attempt at a stage has begun; a run that is faster is let go."""
    deadline = time.monotonic() + 240
    known = set(folder.glob("*/attempts/*"))
    while process.poll() is None and time.monotonic() < deadline:
        if set(folder.glob("*/attempts/*")) - known:
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(0.002)
    process.communicate(timeout=60)


def test_two_runs_at_once_end_with_one_set_of_artifacts(sidflow: Sidflow, world: Path) -> None:
    """Both succeed with the same release; each recipe has one attempt that counts, and one release is logged."""
    first, second = sidflow("run", "--json"), sidflow("run", "--json")
    one, two = finish(first)[0], finish(second)[0]
    assert one["release"] == two["release"]
    assert [each["path"] for each in one["artifacts"]] == [each["path"] for each in two["artifacts"]]
    store = Store(str(world / "store"))
    assert len(log_entries(store)) == 1
    for manifest in store.manifests():
        assert store.files(store.artifact(manifest))
