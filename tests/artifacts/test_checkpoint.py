"""The file that a killed fit goes on from: whole or ignored, and written no more often than asked."""

import errno
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sidflow.artifacts import checkpoint as module
from sidflow.artifacts.checkpoint import ABANDONED, FILE, Checkpoint, State
from sidflow.errors import ArtifactError

KEY = b"k" * 32
STATE = {"weights": torch.arange(300.0), "step": 3, "rng": 2**127 + 1, "curve": [{"loss": 0.5}]}


def kept(folder: Path) -> Path:
    """A file with STATE under KEY."""
    Checkpoint(folder, KEY, 0.0).keep(lambda: STATE)
    return folder / FILE


def test_what_is_kept_is_loaded(tmp_path: Path) -> None:
    """Tensors, numbers of any size and text come back, and no other file is left."""
    kept(tmp_path)
    state = Checkpoint(tmp_path, KEY, 30.0).load()
    assert state is not None and torch.equal(state.pop("weights"), torch.arange(300.0))
    assert state == {name: value for name, value in STATE.items() if name != "weights"}
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_the_newest_state_counts(tmp_path: Path) -> None:
    """A second note takes the place of the first."""
    kept(tmp_path)
    Checkpoint(tmp_path, KEY, 0.0).keep(lambda: {"step": 4})
    assert Checkpoint(tmp_path, KEY, 0.0).load() == {"step": 4}


def test_another_key_is_ignored(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The state of another fit is not believed, and the log says so."""
    kept(tmp_path)
    with caplog.at_level(logging.INFO):
        assert Checkpoint(tmp_path, b"o" * 32, 0.0).load() is None
    assert "belongs to a fit on other data or settings and is ignored" in caplog.text


@pytest.mark.parametrize(
    "spoil", [lambda b: b[:-1], lambda b: b[:40] + b"x" + b[41:], lambda b: b[:700] + b"!" + b[701:], lambda b: b""]
)
def test_a_damaged_file_is_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[bytes], bytes]
) -> None:
    """Cut short, a byte of the key or of the state flipped, empty."""
    path = kept(tmp_path)
    path.write_bytes(spoil(path.read_bytes()))
    assert Checkpoint(tmp_path, KEY, 0.0).load() is None
    assert "is damaged and ignored: the fit starts anew" in caplog.text


def test_it_is_written_no_more_often_than_asked(tmp_path: Path) -> None:
    """An interval of an hour: nothing yet. None, or no folder: never, and the state is not even made."""

    def state() -> State:
        raise AssertionError

    Checkpoint(tmp_path, KEY, 3600.0).keep(state)
    Checkpoint(tmp_path, KEY, None).keep(state)
    Checkpoint(None, KEY, 0.0).keep(state)
    assert not list(tmp_path.iterdir()) and Checkpoint(tmp_path, KEY, 0.0).load() is None


def test_a_note_can_be_asked_for_now(tmp_path: Path) -> None:
    """However long the interval is; a checkpoint that keeps nothing keeps nothing now either."""
    Checkpoint(tmp_path, KEY, None).keep(lambda: STATE, now=True)
    assert not list(tmp_path.iterdir())
    Checkpoint(tmp_path, KEY, 3600.0).keep(lambda: {"step": 9}, now=True)
    assert Checkpoint(tmp_path, KEY, 0.0).load() == {"step": 9}


def test_slow_notes_become_rarer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes that take 4 s each wait for 80 s, whatever the interval, so that they cost a twentieth of the time."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    checkpoint, written = Checkpoint(tmp_path, KEY, 1.0), []

    def state() -> State:
        written.append(now[0])
        now[0] += 4.0
        return STATE

    for _ in range(200):
        now[0] += 1.0
        checkpoint.keep(state)
    assert written == [1.0, 85.0, 169.0]


def test_a_full_disk_is_told_and_leaves_the_old_state(tmp_path: Path) -> None:
    """The half-written file is gone, the one before is whole."""
    kept(tmp_path)

    def state() -> State:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ArtifactError, match="the store cannot be written"):
        Checkpoint(tmp_path, KEY, 0.0).keep(state)
    assert [each.name for each in tmp_path.iterdir()] == [FILE]
    assert Checkpoint(tmp_path, KEY, 0.0).load() is not None


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    """The file goes, and what a killed writer of this fit left beside it; other files stay."""
    path, halves = kept(tmp_path), []

    def state() -> State:
        halves.extend((each, each.read_bytes()) for each in tmp_path.iterdir() if each.name != FILE)
        return STATE

    Checkpoint(tmp_path, KEY, 0.0).keep(state)
    ((half, content),) = halves
    half.write_bytes(content)  # as a killed writer leaves it
    (tmp_path / "other").write_bytes(b"")
    Checkpoint(tmp_path, KEY, 0.0).remove()
    assert not path.exists() and [each.name for each in tmp_path.iterdir()] == ["other"]


def test_another_fit_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    """One that ends removes neither another's state nor what that writes at this moment."""
    other = Checkpoint(tmp_path, b"o" * 32, 0.0)

    def state() -> State:
        Checkpoint(tmp_path, KEY, 0.0).remove()
        return {"step": 7}

    other.keep(state)
    Checkpoint(tmp_path, KEY, 0.0).remove()
    assert other.load() == {"step": 7} and [each.name for each in tmp_path.iterdir()] == [FILE]


def test_what_was_abandoned_goes_whoever_it_was(tmp_path: Path) -> None:
    """Half-written files of other fits, once nobody has written to them for a day."""
    old, young = (tmp_path / f".{FILE}.{name}" for name in ("old", "young"))
    for each, age in ((old, ABANDONED + 60), (young, ABANDONED - 60)):
        each.write_bytes(b"half")
        os.utime(each, (time.time() - age,) * 2)
    Checkpoint(tmp_path, KEY, 0.0).remove()
    assert [each.name for each in tmp_path.iterdir()] == [young.name]


def test_a_second_run_of_the_same_fit_does_not_stop_the_first(tmp_path: Path) -> None:
    """It removes what the first is writing; the first goes on without this note, and its next one is whole."""
    first = Checkpoint(tmp_path, KEY, 0.0)

    def state() -> State:
        Checkpoint(tmp_path, KEY, 0.0).remove()
        return {"step": 7}

    first.keep(state)
    assert not list(tmp_path.iterdir()) and first.load() is None
    first.keep(lambda: {"step": 8})
    assert first.load() == {"step": 8}
