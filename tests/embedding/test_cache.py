"""Vectors by content key."""

import os
import threading
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sidflow.embedding.cache import KEY, SUFFIX, find_vectors, keep_vectors


def keys(*names: str) -> pa.Array:
    """Keys of some names."""
    return pa.array([sha256(name.encode()).digest() for name in names], KEY)


def unit(rows: int, axis: int = 0, dim: int = 4) -> np.ndarray:
    """`rows` times the unit vector along an axis."""
    return np.tile(np.eye(dim, dtype=np.float32)[axis], (rows, 1))


def keep(folder: Path | None, *names: str, axis: int = 0) -> None:
    """Keep a unit vector under each name."""
    keep_vectors(folder, keys(*names), unit(len(names), axis), np.array([name == "long" for name in names]))


def the_file(folder: Path) -> Path:
    """The only file of a cache."""
    (path,) = folder.glob(f"*{SUFFIX}")
    return path


def test_finds_what_was_kept_and_nothing_else(tmp_path):
    """Vectors and flags come back at the row of their key."""
    keep(tmp_path, "a", "long")
    found = find_vectors(tmp_path, keys("x", "long", "a"))
    np.testing.assert_array_equal(found.known, [False, True, True])
    np.testing.assert_array_equal(found.cut, [False, True, False])
    np.testing.assert_array_equal(found.vectors, [[0] * 4, [1, 0, 0, 0], [1, 0, 0, 0]])


def test_several_files_are_one_cache(tmp_path):
    """Each write adds a file; a lookup sees all."""
    keep(tmp_path, "a", axis=0)
    keep(tmp_path, "b", axis=1)
    found = find_vectors(tmp_path, keys("a", "b"))
    np.testing.assert_array_equal(found.vectors, [[1, 0, 0, 0], [0, 1, 0, 0]])


@pytest.mark.parametrize("folder", [None, Path("nowhere")])
def test_no_cache_knows_nothing(folder):
    """Neither without a folder nor with one that is not there."""
    found = find_vectors(folder, keys("a"))
    assert not found.known.any()
    assert found.vectors.shape == (1, 0)


def test_keeping_without_a_folder_does_nothing(tmp_path, monkeypatch):
    """No folder, no file, no error."""
    monkeypatch.chdir(tmp_path)
    keep(None, "a")
    assert list(tmp_path.rglob("*")) == []


def test_truncated_at_any_length_is_passed_over(tmp_path):
    """A file that lost its end, at every length, neither raises nor answers wrongly."""
    keep(tmp_path, "a")
    path, content = the_file(tmp_path), the_file(tmp_path).read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert not find_vectors(tmp_path, keys("a")).known.any()


def test_rotten_vectors_are_not_believed(tmp_path):
    """Bytes that changed in place do not pass for unit vectors."""
    keep(tmp_path, "a", "b")
    path = the_file(tmp_path)
    content = path.read_bytes()
    one = np.float32(1).tobytes()
    path.write_bytes(content.replace(one, np.float32(np.nan).tobytes(), 1))
    np.testing.assert_array_equal(find_vectors(tmp_path, keys("a", "b")).known, [False, True])


def test_a_foreign_file_is_passed_over(tmp_path):
    """An Arrow file of something else does not disturb."""
    keep(tmp_path, "a")
    batch = pa.record_batch({"x": [1]})
    with pa.ipc.new_file(str(tmp_path / f"0{SUFFIX}"), batch.schema) as writer:
        writer.write_batch(batch)
    assert find_vectors(tmp_path, keys("a")).known.all()


def test_writers_do_not_meet(tmp_path):
    """Eight threads that keep at once lose nothing, while a reader looks on."""
    names = [[f"{thread}-{each}" for each in range(20)] for thread in range(8)]
    writers = [threading.Thread(target=lambda mine=mine: [keep(tmp_path, name) for name in mine]) for mine in names]
    for each in writers:
        each.start()
    while any(each.is_alive() for each in writers):
        find_vectors(tmp_path, keys("0-0"))
    assert find_vectors(tmp_path, keys(*(name for mine in names for name in mine))).known.all()
    assert not list(tmp_path.glob("*.part"))


def test_leftovers_of_killed_writers_go_after_a_day(tmp_path):
    """A fresh partial file may belong to a writer at work; an old one cannot."""
    old, fresh = tmp_path / "old.part", tmp_path / "fresh.part"
    for each in (old, fresh):
        each.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    keep(tmp_path, "a")
    assert not old.exists()
    assert fresh.exists()
