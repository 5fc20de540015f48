"""`sidflow run` as a user starts it: results, caching, gates, exit codes, crashes and races, with real processes."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from sidflow.artifacts import Store
from sidflow.artifacts.kinds import KINDS
from sidflow.release import current_release, log_entries
from tests.conftest import Sidflow

pytestmark = pytest.mark.slow


def finish(process: "subprocess.Popen[str]", code: int = 0) -> tuple[Any, str]:
    """Wait for a command; its JSON answer (None if it printed none) and what it said on stderr."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, err
    return (json.loads(out) if out.strip() else None), err


def test_run_cache_and_inspection(sidflow: Sidflow, world: Path) -> None:
    """A run makes a release; the second makes nothing; every inspection command answers."""
    first, _ = finish(sidflow("run", "--json"))
    assert [each["kind"] for each in first["artifacts"]] == list(KINDS)
    assert not any(each["cached"] for each in first["artifacts"])
    assert set(first["metrics"]["test"]) >= {"recall@5", "recall@10", "ndcg@5", "ndcg@10"}
    assert set(first["metrics"]["baselines"]) == {"popularity", "last_item_transitions"}
    assert first["decision"]["action"] == "full"
    table = pq.read_table(next(each["path"] for each in first["artifacts"] if each["kind"] == "semantic_ids"))
    assert table.column_names[:3] == ["item_id", "codes", "sid"]
    assert len(set(table["sid"].to_pylist())) == 40

    second, _ = finish(sidflow("run", "--json"))
    assert all(each["cached"] for each in second["artifacts"])
    assert second["release"] == first["release"]
    assert len(log_entries(Store(str(world / "store")))) == 1

    shown, _ = finish(sidflow("show", "pairs", "--json"))
    assert shown["kind"] == "pairs"
    listed, _ = finish(sidflow("artifacts", "--json"))
    assert {each["kind"] for each in listed} >= set(KINDS)
    user = pq.read_table(next(each["path"] for each in first["artifacts"] if each["kind"] == "interactions"))[
        "user_id"
    ][0]
    answer, _ = finish(sidflow("recommend", user.as_py(), "nobody", "-k", "3", "--json"))
    assert [len(each["items"]) for each in answer] == [3, 3]
    assert "popular" in answer[1]["items"][0]["reason"]


def test_a_decoder_setting_redoes_the_decoder_and_what_follows(sidflow: Sidflow) -> None:
    """decoder.lr leaves everything before the decoder cached."""
    finish(sidflow("run", "--json"))
    changed, _ = finish(sidflow("run", "--json", "--set", "decoder.lr=0.001"))
    assert [each["kind"] for each in changed["artifacts"] if not each["cached"]] == ["decoder", "metrics", "release"]


def test_until_and_refresh(sidflow: Sidflow) -> None:
    """--until ends after a stage without a release; --refresh makes a stage and its dependents again."""
    partial, _ = finish(sidflow("run", "--json", "--until", "pairs"))
    assert [each["kind"] for each in partial["artifacts"]] == ["interactions", "catalogue", "histories", "pairs"]
    assert partial["release"] is None
    again, _ = finish(sidflow("run", "--json", "--until", "embeddings", "--refresh", "histories"))
    made = [each["kind"] for each in again["artifacts"] if not each["cached"]]
    assert made == ["histories", "pairs", "embeddings"]


def test_exit_codes_and_messages(sidflow: Sidflow, world: Path) -> None:
    """2 for configuration and input, 3 for a gate, without a stack trace, and the live release stays."""
    _, err = finish(sidflow("run", "--set", "pairs.windw=3"), code=2)
    assert "did you mean 'window'" in err
    assert "Traceback" not in err
    _, err = finish(sidflow("run", "--set", "interactions.path=nowhere.csv"), code=2)
    assert "nowhere.csv" in err
    assert "Traceback" not in err
    finish(sidflow("run", "--json"))
    live = current_release(Store(str(world / "store")))
    _, err = finish(sidflow("run", "--json", "--set", "release.gate.min_recall_at_10=0.999"), code=3)
    assert "0.999" in err
    assert "Traceback" not in err
    assert current_release(Store(str(world / "store"))) == live


def test_killed_in_every_stage_the_next_run_goes_on(sidflow: Sidflow, world: Path) -> None:
    """SIGKILL inside each stage in turn: finished stages are cached, and the result is that of a run left in peace."""
    store = Store(str(world / "store"))
    for kind in KINDS:
        process = sidflow("run", "--json")
        kill_inside(process, world / "store" / "artifacts" / kind)
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
        time.sleep(0.001)
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
