"""The one wrapper: hits, gates, candidates, races, --refresh."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.artifacts import Artifact, Attempt, Facts, Store
from sidflow.config import DatasetConfig, PairsConfig
from sidflow.errors import GateRefused
from sidflow.schemas import PAIRS as PAIRS_SCHEMA
from tasks.stage import OnProgress, Stage, unwrap

PAIRS = Stage("pairs", 1, ("tasks.stage",))
GOOD = {
    "item_a": "a",
    "item_b": "b",
    "support": 3,
    "expected": 0.5,
    "pmi": 1.79,
    "p_value": 0.001,
    "tier": "significant",
    "weight": 1.0,
    "heldout": False,
}


class Maker:
    """Work that writes one row of pairs and counts how often it was done."""

    def __init__(self, **changes: Any) -> None:
        self.calls = 0
        self.row = {**GOOD, **changes}

    def __call__(self, attempt: Attempt, on_progress: OnProgress) -> Facts:
        """Write the row."""
        self.calls += 1
        pq.write_table(pa.Table.from_pylist([self.row], schema=PAIRS_SCHEMA), attempt.data / "pairs.parquet")
        on_progress(1, 1)
        return {
            "rows": 1,
            "pairs": 1,
            "significant": 1,
            "topup": 0,
            "fdr_hat": 0.04,
            "max_hub_share": 1.0,
            "chance_share": 0.1,
            "pairs_observed": 1,
            "dropped": {},
            "items_covered": 2,
            "items_coverable": 2,
        }


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store(str(tmp_path / "store"))


def run(store: Store, work: Maker, config: PairsConfig | None = None, **identity: Any) -> tuple[Artifact, bool]:
    """The stage's artifact, and whether it was cached."""
    return unwrap(PAIRS.run(store, config or PairsConfig(), {}, work, identity))


def limited(**gate: float) -> PairsConfig:
    """Settings that differ in gate limits only."""
    return PairsConfig.model_validate({"gate": gate})


def test_the_second_run_does_nothing(store: Store) -> None:
    """The same recipe is found, not made."""
    work = Maker()
    first, second = run(store, work), run(store, work)
    assert (first[1], second[1]) == (False, True)
    assert first[0] == second[0]
    assert work.calls == 1


def test_another_setting_is_another_artifact(store: Store) -> None:
    """An identity setting makes it again, an operational one does not."""
    work = Maker()
    first = run(store, work)[0]
    assert run(store, work, PairsConfig(window=3))[0] != first
    assert run(store, work, PairsConfig(partitions=3)) == (first, True)
    assert work.calls == 2


def test_the_manifest_tells_the_whole_story(store: Store) -> None:
    """Recipe, parts, columns, facts, gates, versions and cost are recorded."""
    artifact, _ = run(store, Maker())
    manifest = store.manifest(artifact)
    assert manifest.identity["window"] == 10
    assert manifest.rows == 1
    assert manifest.columns["pairs.parquet"][0] == "item_a: string"
    assert manifest.metrics["significant"] == 1
    assert manifest.gates
    assert not manifest.refused
    assert {"python", "numpy"} <= set(manifest.versions)
    assert manifest.seconds >= 0
    assert manifest.peak_memory_bytes > 1_000_000


def test_a_refused_candidate_is_kept_and_not_published(store: Store) -> None:
    """A gate says what failed; the candidate and its results stay, nothing is published."""
    work = Maker()
    with pytest.raises(GateRefused, match=r"(?s)pairs/.*fdr.*0\.04.*0\.01"):
        run(store, work, limited(max_fdr=0.01))
    (candidate,) = store.manifests()
    assert candidate.refused
    assert not store.is_published(candidate)
    assert json.loads(store.storage.read(f"{candidate.folder}/verdict.json") or b"")["limits"]["max_fdr"] == 0.01


def test_a_loosened_limit_does_not_redo_the_work(store: Store) -> None:
    """The candidate that was refused is judged again by its facts and published."""
    work = Maker()
    with pytest.raises(GateRefused):
        run(store, work, limited(max_fdr=0.01))
    artifact, _ = run(store, work, limited(max_fdr=0.2))
    assert work.calls == 1
    assert store.is_published(store.manifest(artifact))


def test_a_tightened_limit_is_not_bypassed_by_a_hit(store: Store) -> None:
    """A published artifact is judged again when limits change."""
    work = Maker()
    run(store, work)
    with pytest.raises(GateRefused, match="fdr"):
        run(store, work, limited(max_fdr=0.01))
    assert work.calls == 1


def test_failing_rows_are_kept(store: Store) -> None:
    """Rows that break a row-wise expectation lie beside the candidate."""
    with pytest.raises(GateRefused, match="p_value"):
        run(store, Maker(p_value=1.5))
    (candidate,) = store.manifests()
    (line,) = (store.storage.read(f"{candidate.folder}/failing_rows.jsonl") or b"").decode().splitlines()
    assert "1.5" in line


def test_refresh_makes_it_again_and_counts(store: Store) -> None:
    """--refresh replaces what is published; the old attempt stays readable."""
    work = Maker()
    old, _ = run(store, work)
    new, cached = run(Store(store.root, frozenset({"pairs"})), work)
    assert not cached
    assert work.calls == 2
    assert new.path != old.path
    assert run(store, work) == (new, True)
    assert store.manifest(old).rows == 1


def test_work_that_fails_publishes_nothing(store: Store) -> None:
    """An exception leaves no manifest, and the next run starts over."""

    def broken(attempt: Attempt, on_progress: OnProgress) -> Facts:
        (attempt.data / "half.parquet").write_bytes(b"PAR1")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        PAIRS.run(store, PairsConfig(), {}, broken)
    assert list(store.manifests()) == []
    assert not run(store, Maker())[1]


def test_inputs_enter_the_fingerprint(store: Store) -> None:
    """The same settings on another input are another artifact."""
    one, two = (Artifact(kind="histories", fingerprint=each * 64, path="x") for each in "ab")
    first = unwrap(PAIRS.run(store, PairsConfig(), {"histories": one}, Maker()))[0]
    second = unwrap(PAIRS.run(store, PairsConfig(), {"histories": two}, Maker()))[0]
    assert first.fingerprint != second.fingerprint
    assert store.manifest(second).inputs["histories"] == two


def test_changed_code_warns_and_names_the_revision(
    store: Store, caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hit whose source has changed since says what to bump."""
    run(store, Maker())
    other = Stage("pairs", 1, ("tasks.evidence",))
    with caplog.at_level("WARNING"):
        other.run(store, PairsConfig(), {}, Maker())
    assert "bump the revision of stage 'pairs' or use --refresh pairs" in caplog.text


def test_a_section_without_gate_has_no_limits(store: Store) -> None:
    """Stages without limits are judged on sanity only."""
    stage = Stage("segment", 1, ("tasks.stage",))
    artifact, cached = unwrap(stage.run(store, DatasetConfig(), {}, Maker()))
    assert store.manifest(artifact).limits == {}
    assert not cached


def test_a_published_artifact_that_is_refused_later_is_listed_until_it_passes(store: Store) -> None:
    """The newest verdict lies beside the artifact: refused under tighter limits, then cleared by a run that passes."""
    work = Maker()
    artifact, _ = run(store, work)
    verdict = f"{store.manifest(artifact).folder}/verdict.json"
    with pytest.raises(GateRefused):
        run(store, work, limited(max_fdr=0.01))
    assert not all(each["success"] for each in json.loads(store.storage.read(verdict) or b"")["gates"])
    run(store, work)
    assert all(each["success"] for each in json.loads(store.storage.read(verdict) or b"")["gates"])
