"""A training that is killed goes on to the same bits."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidflow.artifacts.checkpoint import FILE
from sidflow.config import DecoderConfig
from sidflow.decoder import checkpoint as module
from sidflow.decoder import feed as feeding
from sidflow.decoder.checkpoint import training_key
from sidflow.decoder.fit import Trained, forget_training, train_decoder
from sidflow.decoder.team import Team
from sidflow.histories import blocks
from tests.decoder.worlds import SMALL, planted_dataset
from tests.killed import run_or_kill

DATASET, VECTORS = planted_dataset()
ALL_PARTS = {"dense_candidates": 20, "epochs": 4, "validate_every": 2, "checkpoint_seconds": 0.0}
CLOCKS = ("seconds", "positions_per_second")


class KilledError(Exception):
    """What stands for SIGKILL inside one process."""


def settings(**changes: object) -> DecoderConfig:
    """Four epochs with drawn candidates, noted after every step."""
    return SMALL.model_copy(update={**ALL_PARTS, **changes})


def train(folder: Path | None, killed_at: int = -1, max_items: int = 6, **changes: Any) -> Trained:
    """A training of the small world, killed after a step."""

    def on_progress(done: int, total: int) -> None:
        if done == killed_at:
            raise KilledError

    initial = changes.pop("initial", None)
    return train_decoder(DATASET, VECTORS, settings(**changes), max_items, initial, on_progress, folder=folder)


def bits(trained: Trained) -> tuple[bytes, list[dict[str, Any]], dict[str, Any]]:
    """All that was learned, and all that is told of it but the time it took."""
    weights = b"".join(tensor.numpy().tobytes() for _, tensor in sorted(trained.decoder.state_dict().items()))
    rows = [{name: value for name, value in row.items() if name not in CLOCKS} for row in trained.curve]
    return weights, rows, {name: value for name, value in trained.facts.items() if name not in CLOCKS}


STEPS = train(None).facts["steps"]
EPOCH = STEPS // 4


@pytest.mark.parametrize("step", [1, EPOCH - 1, EPOCH, EPOCH + 1, 2 * EPOCH, 2 * EPOCH + 3, STEPS - 1])
def test_a_killed_training_goes_on_to_the_same_bits(tmp_path: Path, step: int) -> None:
    """After the first step, around an epoch's end, before and after a validation, one step before the end."""
    with pytest.raises(KilledError):
        train(tmp_path, step)
    assert (tmp_path / FILE).exists()
    assert bits(train(tmp_path)) == bits(train(None))


def test_an_ended_training_is_not_trained_again(tmp_path: Path) -> None:
    """Its state stays until it is forgotten: asked again, the same comes without a step, told as all done."""
    first = train(tmp_path, checkpoint_seconds=3600.0)
    assert [each.name for each in tmp_path.iterdir()] == [FILE]
    steps: list[tuple[int, int]] = []
    again = train_decoder(DATASET, VECTORS, settings(), 6, None, lambda *step: steps.append(step), folder=tmp_path)
    assert bits(again) == bits(first) and again.curve == first.curve
    assert len(steps) == 1 and steps[0][0] == steps[0][1]
    forget_training(tmp_path, train(None, lr=1e-3))
    assert [each.name for each in tmp_path.iterdir()] == [FILE]  # another training's
    forget_training(tmp_path, first)
    assert not list(tmp_path.iterdir())


def test_a_training_that_keeps_no_state_leaves_none(tmp_path: Path) -> None:
    """Without an interval, nor at the end."""
    train(tmp_path, checkpoint_seconds=None)
    assert not list(tmp_path.iterdir())


def test_killed_again_and_again(tmp_path: Path) -> None:
    """A training that dies every few steps ends like one that never died."""
    for step in range(5, STEPS, 7):
        with pytest.raises(KilledError):
            train(tmp_path, step)
    assert bits(train(tmp_path)) == bits(train(None))


def test_blocks_of_users_go_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is read in several blocks is taken up within a block."""
    monkeypatch.setattr(feeding, "user_blocks", lambda histories: blocks.user_blocks(histories, 150))
    whole = train(None)
    for step in range(4, whole.facts["steps"], 9):
        with pytest.raises(KilledError):
            train(tmp_path, step)
    assert bits(train(tmp_path)) == bits(whole)


def test_early_stop_and_warm_start_go_on_too(tmp_path: Path) -> None:
    """Best weights, staleness and the shorter plan of a warm start belong to the state."""
    initial = train(None).decoder
    changes = {"initial": initial, "epochs": 40, "validate_every": 1, "lr": 0.7, "patience": 2, "clip_norm": 1e3}
    whole = train(None, **changes)
    assert whole.facts["best_epoch"] < whole.facts["epochs"] < whole.facts["planned_epochs"]
    for step in (EPOCH + 2, whole.facts["steps"] - 2):
        with pytest.raises(KilledError):
            train(tmp_path, step, **changes)
    assert bits(train(tmp_path, **changes)) == bits(whole)


def test_a_run_that_goes_on_tells_every_row_once(tmp_path: Path) -> None:
    """Rows of the first process are told again by the second, in order, before its own; clocks go on."""
    with pytest.raises(KilledError):
        train(tmp_path, 2 * EPOCH + 4)
    rows: list[dict[str, Any]] = []
    steps: list[tuple[int, int]] = []
    again = train_decoder(
        DATASET, VECTORS, settings(), 6, None, lambda *step: steps.append(step), rows.append, tmp_path
    )
    assert rows == again.curve and [row["epoch"] for row in rows] == [2, 4]
    assert [done for done, _ in steps[:-1]] == list(range(2 * EPOCH + 5, STEPS + 1))
    assert steps[-1][0] == steps[-1][1]
    assert 0 < rows[0]["seconds"] < rows[1]["seconds"] and rows[1]["positions_per_second"] > 0


def test_other_settings_start_anew(tmp_path: Path) -> None:
    """The state of another training is not believed."""
    with pytest.raises(KilledError):
        train(tmp_path, 8)
    assert bits(train(tmp_path, lr=1e-3)) == bits(train(None, lr=1e-3))


@pytest.mark.parametrize("spoil", [lambda b: b[:-100], lambda b: b[:900] + b"x" + b[901:], lambda b: b""])
def test_a_damaged_file_is_ignored(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    """The training starts anew."""
    with pytest.raises(KilledError):
        train(tmp_path, 8)
    (tmp_path / FILE).write_bytes(spoil((tmp_path / FILE).read_bytes()))
    assert bits(train(tmp_path)) == bits(train(None))


def test_the_key_names_settings_and_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ingredient moves it; what does not change a result does not."""
    other, _ = planted_dataset(seed=1)
    moved = VECTORS.copy()
    moved[3, 3] += 1
    initial, team = train(None).decoder, Team()
    keys = [
        training_key(DATASET, VECTORS, settings(), 6, None, team),
        training_key(other, VECTORS, settings(), 6, None, team),
        training_key(DATASET, moved, settings(), 6, None, team),
        training_key(DATASET, VECTORS, settings(seed=1), 6, None, team),
        training_key(DATASET, VECTORS, settings(), 7, None, team),
        training_key(DATASET, VECTORS, settings(), 6, initial, team),
    ]
    unread = settings(checkpoint_seconds=9.0, rescore=False, rescore_users=3)
    assert keys[0] == training_key(DATASET, VECTORS.copy(), unread, 6, None, team)
    monkeypatch.setattr(module, "FORMAT", -1)
    assert len({*keys, training_key(DATASET, VECTORS, settings(), 6, None, team)}) == 7


TRAIN = """
import json, sys, torch
from pathlib import Path
from sidflow.decoder.files import save_decoder
from tests.decoder.test_checkpoint import DATASET, VECTORS, settings
from sidflow.decoder.fit import train_decoder
torch.set_num_threads(1)
folder, out = map(Path, sys.argv[1:])
tell = lambda done, total: print(done, flush=True)
trained = train_decoder(DATASET, VECTORS, settings(epochs=12), 6, None, tell, folder=folder)
save_decoder(trained.decoder, out)
(out / "curve.json").write_text(json.dumps(trained.curve))
"""


@pytest.mark.slow
def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL in the middle; the next process goes on, and its files equal those of a training that was left alone."""
    run_or_kill(TRAIN, tmp_path / "state", tmp_path / "resumed", kill_after=5 * EPOCH)
    assert (tmp_path / "state" / FILE).exists()
    assert run_or_kill(TRAIN, tmp_path / "state", tmp_path / "resumed")[0] > 4 * EPOCH
    run_or_kill(TRAIN, tmp_path / "other", tmp_path / "whole")
    a, b = (tmp_path / name for name in ("resumed", "whole"))
    assert (a / "decoder.safetensors").read_bytes() == (b / "decoder.safetensors").read_bytes()
    curves = [json.loads((each / "curve.json").read_text()) for each in (a, b)]
    for row in np.concatenate(curves):
        for name in CLOCKS:
            del row[name]
    assert curves[0] == curves[1]
