"""Candidates, publishing, races, parts that older artifacts wrote, and corruption."""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.artifacts import Manifest, Store
from sidflow.artifacts.store import used_path
from sidflow.errors import CorruptArtifact, MissingArtifact
from tests.artifacts.making import make_candidate


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store in a local folder, and one on an object store."""
    return Store(str(tmp_path / "store") if request.param == "local" else f"memory://{tmp_path.name}")


def test_a_candidate_is_found_but_not_published(store: Store) -> None:
    """A complete attempt is a candidate until it is published."""
    manifest = make_candidate(store, rows=3)
    assert store.find("pairs", "f" * 64) == manifest
    assert not store.is_published(manifest)
    store.publish(manifest)
    assert store.is_published(manifest)


def test_an_attempt_without_manifest_does_not_exist(store: Store) -> None:
    """Data without a manifest is never found: a killed writer leaves nothing to be read."""
    attempt = store.begin("pairs", "f" * 64)
    pq.write_table(pa.table({"x": [1]}), attempt.data / "pairs.parquet")
    attempt.parts()
    assert store.find("pairs", "f" * 64) is None
    assert list(store.manifests()) == []


def test_the_first_to_publish_wins(store: Store) -> None:
    """The loser of a race gets the winner's manifest, and both are valid."""
    first, second = make_candidate(store, rows=1), make_candidate(store, rows=2)
    assert store.publish(second) == second
    assert store.publish(first) == second
    assert store.find("pairs", "f" * 64) == second


def test_replacing_on_purpose(store: Store) -> None:
    """--refresh lets a newer attempt count; the older one stays readable by its handle."""
    first = store.publish(make_candidate(store, rows=1))
    second = store.publish(make_candidate(store, rows=2), replace=True)
    assert store.find("pairs", "f" * 64) == second
    assert store.manifest(store.artifact(first)).rows == 1


def test_parts_are_named_by_content_and_read_as_one_table(tmp_path: Path) -> None:
    """Two Parquet parts carry their digests in their names and read as one table."""
    store = Store(str(tmp_path))
    artifact = store.artifact(make_candidate(store, rows=5, files=2))
    files = store.files(artifact)
    assert sorted(files) == ["part-0.parquet", "part-1.parquet"]
    for part in store.manifest(artifact).parts:
        assert part.sha256[:16] in part.path
    assert pq.read_table(store.location(artifact)).num_rows == 10


def test_an_adopted_part_reads_with_the_new_ones(tmp_path: Path) -> None:
    """An incremental artifact takes an older part without a copy and adds its own."""
    store = Store(str(tmp_path))
    old = make_candidate(store, rows=5)
    new = make_candidate(store, rows=2, adopt=old.parts[0])
    table = pq.read_table(store.location(store.artifact(new)))
    assert table.num_rows == 7
    adopted = next(part for part in new.parts if part.name == "adopted.parquet")
    assert (tmp_path / adopted.path).stat().st_ino == (tmp_path / old.parts[0].path).stat().st_ino


def test_a_referred_part_is_read_where_it_lies(store: Store) -> None:
    """A manifest may name a part that an older artifact wrote."""
    old = make_candidate(store, rows=5)
    new = make_candidate(store, rows=2, refer=old.parts[0])
    files = store.files(store.artifact(new))
    assert pq.read_table(files["referred.parquet"]).num_rows == 5


def test_a_changed_part_is_refused(tmp_path: Path) -> None:
    """A flipped byte is found by checksum, and the error says which part and what to do."""
    store = Store(str(tmp_path))
    manifest = make_candidate(store, rows=3)
    path = tmp_path / manifest.parts[0].path
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptArtifact, match=r"part-0\.parquet.*another content.*--refresh pairs"):
        store.files(store.artifact(manifest))


def test_a_lost_part_is_refused(store: Store) -> None:
    """A part that is gone is named."""
    manifest = make_candidate(store, rows=3)
    lost = manifest.model_copy(
        update={
            "parts": tuple(part.model_copy(update={"path": "nowhere", "sha256": "0" * 64}) for part in manifest.parts)
        }
    )
    with pytest.raises(CorruptArtifact, match="is gone"):
        store.local_files(lost)


def test_an_unknown_handle_is_refused(store: Store) -> None:
    """A handle of another store is named with the next step."""
    handle = store.artifact(make_candidate(store, rows=1)).model_copy(update={"path": "artifacts/x/y/attempts/z/data"})
    with pytest.raises(MissingArtifact, match="Run again with --refresh"):
        store.manifest(handle)


def test_a_store_can_be_moved(tmp_path: Path) -> None:
    """Handles are relative: a copied store reads the same."""
    store = Store(str(tmp_path / "a"))
    artifact = store.artifact(store.publish(make_candidate(store, rows=4)))
    (tmp_path / "a").rename(tmp_path / "b")
    assert pq.read_table(Store(str(tmp_path / "b")).files(artifact)["part-0.parquet"]).num_rows == 4


def test_a_writer_killed_at_every_step_leaves_whole_artifacts_only(tmp_path: Path) -> None:
    """SIGKILL after each call: readers see nothing or a whole candidate, and the next writer succeeds."""
    for step, visible in [("begin", False), ("write", False), ("parts", False), ("record", True), ("publish", True)]:
        root = tmp_path / step
        program = textwrap.dedent(
            f"""
            import os, signal
            from sidflow.artifacts import Store
            from tests.artifacts import making
            making.make_candidate(Store({str(root)!r}), rows=3, publish=True,
                after=lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == {step!r} else None)
            """
        )
        killed = subprocess.run([sys.executable, "-c", program], env={**os.environ}, check=False)
        assert killed.returncode == -signal.SIGKILL
        store = Store(str(root))
        found = store.find("pairs", "f" * 64)
        assert (found is not None) == visible
        if found is not None:
            assert pq.read_table(store.local_files(found)["part-0.parquet"]).num_rows == 3
        winner = store.publish(make_candidate(store, rows=3))
        assert isinstance(winner, Manifest)
        assert store.is_published(winner)


def test_a_mark_of_use_is_left_at_most_once_an_hour(store: Store) -> None:
    """The first use is noted, one soon after is not, a later one is; a plan notes nothing."""
    artifact = store.artifact(make_candidate(store, rows=1))
    path, noon = used_path(artifact.path.removesuffix("/data")), datetime(2014, 7, 1, 12, tzinfo=UTC)
    Store(store.root, plan=True).note_use(artifact, noon)
    assert store.storage.read(path) is None
    for minutes, expected in ((0, 0), (30, 0), (61, 61)):
        store.note_use(artifact, noon + timedelta(minutes=minutes))
        assert store.storage.read(path) == (noon + timedelta(minutes=expected)).isoformat().encode()
