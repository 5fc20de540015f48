"""Files are whole or absent, on this machine and on an object store."""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from sidflow.artifacts import Storage
from sidflow.artifacts.writing import writing
from sidflow.errors import ArtifactError


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A real limit on the size of files, bytes; Python ignores the signal, so that writes fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A local folder, and fsspec's in-memory object store."""
    return Storage(str(tmp_path / "store") if request.param == "local" else f"memory://{tmp_path.name}")


def test_write_and_read(storage: Storage) -> None:
    """What was written is read; a second write replaces it; an absent file is None."""
    assert storage.read("a/b.json") is None
    storage.write("a/b.json", b"1")
    storage.write("a/b.json", b"22")
    assert storage.read("a/b.json") == b"22"
    assert storage.children("a") == ["b.json"]


def test_create_is_exclusive(storage: Storage) -> None:
    """The second creator is told so, and the first one's content stays."""
    assert storage.create("log/1.json", b"first")
    assert not storage.create("log/1.json", b"second")
    assert storage.read("log/1.json") == b"first"
    assert storage.children("log") == ["1.json"]


def test_one_of_many_racing_creators_wins(tmp_path: Path) -> None:
    """Sixteen threads create the same file: exactly one succeeds, and its content is the file's."""
    storage, won, barrier = Storage(str(tmp_path)), [], threading.Barrier(16)

    def race(number: int) -> None:
        barrier.wait()
        if storage.create("pointer", str(number).encode()):
            won.append(str(number).encode())

    threads = [threading.Thread(target=race, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [storage.read("pointer")]


def test_link_gives_a_second_name(storage: Storage, tmp_path: Path) -> None:
    """A linked part reads the same under both names, and linking twice is no error."""
    (tmp_path / "local").write_bytes(b"rows")
    storage.put(tmp_path / "local", "old/part")
    storage.link("old/part", "new/part")
    storage.link("old/part", "new/part")
    assert storage.read("new/part") == b"rows"


def test_get_downloads(storage: Storage, tmp_path: Path) -> None:
    """A download arrives whole under its target name and leaves nothing else."""
    storage.write("x", b"content")
    storage.get("x", tmp_path / "down" / "x")
    assert [each.name for each in (tmp_path / "down").iterdir()] == ["x"]
    assert (tmp_path / "down" / "x").read_bytes() == b"content"


def test_a_folder_that_is_not_there_has_no_children(storage: Storage) -> None:
    """Listing an absent folder is empty, not an error."""
    assert storage.children("nowhere") == []


def test_an_unwritable_store_is_named(tmp_path: Path) -> None:
    """A root below a file: the error names the path and the setting to change."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtifactError, match=r"cannot be written.*store\.root"):
        Storage(str(tmp_path / "file")).write("a", b"")


def test_urls(tmp_path: Path) -> None:
    """Local paths are absolute; others keep their protocol."""
    assert Storage(str(tmp_path)).url("a/b") == f"{tmp_path}/a/b"
    assert Storage("memory://bucket").url("a") == "memory:///bucket/a"


def test_a_full_disk_is_named() -> None:
    """/dev/full has no room for Python's and Arrow's bytes; it is only ever opened, never given by its path."""
    rows = pa.table({"a": list(range(10_000))})
    said = r"store/x: the store cannot be written: No space left on device. Free space"
    with pytest.raises(ArtifactError, match=said), writing(Path("store/x")), Path("/dev/full").open("wb", 0) as full:
        full.write(b"x")
    with pytest.raises(ArtifactError, match=said), writing(Path("store/x")), Path("/dev/full").open("wb", 0) as full:
        pq.write_table(rows, full)


def test_a_limit_that_safetensors_meets(tmp_path: Path) -> None:
    """Its errors are no OSError; the number is read from their text."""
    said = "cannot be written: File too large"
    with pytest.raises(ArtifactError, match=said), largest_file(100), writing(tmp_path / "x"):
        save_file({"a": np.zeros(1000)}, tmp_path / "x")


def test_a_full_disk_leaves_nothing_of_a_small_file(tmp_path: Path) -> None:
    """The limit is real; the older content stays, and no temporary file."""
    storage = Storage(str(tmp_path))
    storage.write("a.json", b"old")
    with pytest.raises(ArtifactError, match="cannot be written: File too large"), largest_file(10):
        storage.write("a.json", b"new" * 100)
    assert storage.read("a.json") == b"old"
    assert storage.children("") == ["a.json"]


def test_errors_about_other_files_pass(tmp_path: Path) -> None:
    """A model folder that may not be read is not the store's fault; nor is a mistake in the code."""
    with pytest.raises(PermissionError), writing(tmp_path / "x", below=tmp_path):
        raise PermissionError(13, "Permission denied", "/models/x")
    with pytest.raises(ArtifactError, match="right to write"), writing(tmp_path / "x", below=tmp_path):
        raise PermissionError(13, "Permission denied", str(tmp_path / "x"))
    with pytest.raises(KeyError), writing(tmp_path / "x"):
        raise KeyError("x")


def test_a_store_without_rights() -> None:
    """/sys takes no folders, not even from root; the reason is the system's own."""
    said = r"^/sys/sidflow/.*: the store cannot be written: .+\. Give this user the right to write there"
    with pytest.raises(ArtifactError, match=said):
        Storage("/sys/sidflow").write("a.json", b"1")


def test_files_below_a_folder(storage: Storage) -> None:
    """Paths relative to the root, sizes and times; nothing below what is not there."""
    assert storage.files("a") == {}
    before = datetime.now(UTC) - timedelta(seconds=5)
    storage.write("a/b/c.json", b"123")
    storage.write("a/d", b"")
    found = storage.files("a")
    assert {path: each.bytes for path, each in found.items()} == {"a/b/c.json": 3, "a/d": 0}
    assert all(before < each.modified < datetime.now(UTC) + timedelta(seconds=5) for each in found.values())


def test_delete(storage: Storage) -> None:
    """A file is gone; deleting it twice is no error."""
    storage.write("a/b", b"1")
    storage.delete("a/b")
    storage.delete("a/b")
    assert storage.read("a/b") is None


def test_empty_folders_are_removed_if_nothing_happens_there(tmp_path: Path) -> None:
    """Not those that hold a file, and not those that were touched lately."""
    storage = Storage(str(tmp_path))
    for name in ("a/empty/deep", "a/full"):
        (tmp_path / name).mkdir(parents=True)
    storage.write("a/full/x", b"1")
    storage.delete_empty("a", before=datetime.now(UTC) - timedelta(hours=1))
    assert (tmp_path / "a/empty/deep").exists()
    storage.delete_empty("a")
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["full"]
