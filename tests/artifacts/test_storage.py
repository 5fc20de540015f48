"""Files are whole or absent, on this machine and on an object store."""

import threading
from pathlib import Path

import pytest

from sidflow.artifacts import Storage
from sidflow.errors import ArtifactError


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
