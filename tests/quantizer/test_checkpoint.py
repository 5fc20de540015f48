"""The file that a killed fit goes on from."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sidflow.artifacts.checkpoint import FILE, Checkpoint
from sidflow.quantizer import fit as fit_module
from sidflow.quantizer import fit_key as key_module
from sidflow.quantizer.baselines import mean_vector
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.files import load_quantizer
from sidflow.quantizer.fit import fit_quantizer
from sidflow.quantizer.fit_key import fit_key
from sidflow.quantizer.sampling import PairSampler
from sidflow.quantizer.train import Trained, train_rq_vae
from tests.killed import run_or_kill
from tests.quantizer.samples import clustered, config, linked

VECTORS = clustered()
PAIRS = linked([(k, k + 1) for k in range(0, 200, 2)])
ALL_PARTS = {"balance": "bias", "progressive_masking": True, "revive_below": 0.9, "patience": 10, "steps": 60}


class KilledError(Exception):
    """What stands for SIGKILL inside one process."""


def kill_at(step: int) -> Callable[[int, int], None]:
    """A progress callback that ends the fit after a step."""

    def on_progress(done: int, total: int) -> None:
        if done == step:
            raise KilledError

    return on_progress


def train(folder: Path | None, killed_at: int = -1, initial: Quantizer | None = None, **changes: object) -> Trained:
    """A fit of the small catalogue that notes its state after every step."""
    settings = config(**ALL_PARTS, **changes)
    checkpoint = Checkpoint(folder, fit_key(VECTORS, PAIRS, settings, initial), 0.0)
    sampler = PairSampler(PAIRS, len(VECTORS))
    return train_rq_vae(VECTORS, mean_vector(VECTORS), sampler, settings, initial, kill_at(killed_at), checkpoint)


def same(a: Trained, b: Trained) -> bool:
    """Bit for bit: all that was learned, and all that is told of it."""
    arrays = zip(a.quantizer.tensors(), b.quantizer.tensors(), strict=True)
    return a[1:] == b[1:] and all(np.array_equal(x, y) for (_, x), (_, y) in arrays)


@pytest.mark.parametrize("step", [1, 9, 10, 11, 35, 69])
def test_a_killed_fit_goes_on_to_the_same_bits(tmp_path: Path, step: int) -> None:
    """In the warm-up, at its end, right after initialisation, between two looks, one step before the end."""
    with pytest.raises(KilledError):
        train(tmp_path, step)
    assert (tmp_path / FILE).exists()
    assert same(train(tmp_path), train(None))


def test_killed_after_the_last_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While codes are described: nothing is trained again, however rarely notes are taken; saved, it is forgotten."""
    settings, seen = config(steps=40, checkpoint_seconds=3_600.0), []

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as during, pytest.raises(KilledError):
        during.setattr(fit_module, "describe_codes", killed)
        fit_quantizer(VECTORS, PAIRS, settings, folder=tmp_path)
    again = fit_quantizer(VECTORS, PAIRS, settings, None, lambda done, _: seen.append(done), tmp_path)
    whole = fit_quantizer(VECTORS, PAIRS, settings)
    assert seen == [] and again.facts == whole.facts
    pairs = zip(again.quantizer.tensors(), whole.quantizer.tensors(), strict=True)
    assert all(np.array_equal(x, y) for (_, x), (_, y) in pairs)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    again.forget()
    assert not list(tmp_path.iterdir())


def test_killed_again_and_again(tmp_path: Path) -> None:
    """A fit that dies every fourteen steps ends like one that never died."""
    for step in range(14, 70, 14):
        with pytest.raises(KilledError):
            train(tmp_path, step)
    assert same(train(tmp_path), train(None))


def test_a_warm_start_goes_on_too(tmp_path: Path) -> None:
    """Beside a frozen encoder the warm-up trains the decoder alone; its moments are restored as such."""
    first = train(None).quantizer
    for step in (5, 20):
        with pytest.raises(KilledError):
            train(tmp_path, step, first, warm_steps=1.0)
    assert same(train(tmp_path, -1, first, warm_steps=1.0), train(None, -1, first, warm_steps=1.0))


def test_only_the_steps_that_are_left_are_done(tmp_path: Path) -> None:
    """Progress goes on where it was."""
    with pytest.raises(KilledError):
        train(tmp_path, 50)
    seen: list[int] = []
    settings = config(**ALL_PARTS)
    checkpoint = Checkpoint(tmp_path, fit_key(VECTORS, PAIRS, settings, None), 0.0)
    sampler = PairSampler(PAIRS, len(VECTORS))
    train_rq_vae(VECTORS, mean_vector(VECTORS), sampler, settings, None, lambda done, _: seen.append(done), checkpoint)
    assert seen == list(range(51, 71))


def test_other_settings_or_data_start_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The state of another fit is not believed, and the log says so."""
    with pytest.raises(KilledError):
        train(tmp_path, 30)
    with caplog.at_level(logging.INFO):
        again = train(tmp_path, lr=1e-3)
    assert "belongs to a fit on other data or settings and is ignored" in caplog.text
    assert same(again, train(None, lr=1e-3))


SPOILT = [lambda b: b[:-100], lambda b: b[:300] + b"x" + b[301:], lambda b: b"", lambda b: b"no"]


@pytest.mark.parametrize("spoil", SPOILT)
def test_a_damaged_file_is_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[bytes], bytes]
) -> None:
    """Cut short, one byte flipped, empty, foreign: the fit starts anew, with a line in the log."""
    with pytest.raises(KilledError):
        train(tmp_path, 30)
    (tmp_path / FILE).write_bytes(spoil((tmp_path / FILE).read_bytes()))
    again = train(tmp_path)
    assert "is damaged and ignored: the fit starts anew" in caplog.text
    assert same(again, train(None))


def test_the_key_names_settings_and_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ingredient moves it; what does not change a result does not."""
    quantizer = train(None).quantizer
    moved = VECTORS.copy()
    moved[3, 3] += 1
    keys = [
        fit_key(VECTORS, PAIRS, config(), None),
        fit_key(moved, PAIRS, config(), None),
        fit_key(VECTORS[:-1], PAIRS, config(), None),
        fit_key(VECTORS, None, config(), None),
        fit_key(VECTORS, linked([(0, 1)]), config(), None),
        fit_key(VECTORS, PAIRS, config(seed=1), None),
        fit_key(VECTORS, PAIRS, config(), quantizer),
    ]
    assert keys[0] == fit_key(VECTORS.copy(), PAIRS, config(checkpoint_seconds=1.0), None)
    monkeypatch.setattr(key_module, "FORMAT", -1)
    assert len({*keys, fit_key(VECTORS, PAIRS, config(), None)}) == 8


FIT = """
import sys, numpy as np, torch
from pathlib import Path
from sidflow.quantizer.files import save_quantizer
from sidflow.quantizer.fit import fit_quantizer
from tests.quantizer.samples import clustered, config, linked
torch.set_num_threads(1)
folder, out = map(Path, sys.argv[1:])
tell = lambda done, total: print(done, flush=True)
pairs = linked([(k, k + 1) for k in range(0, 200, 2)])
fit = fit_quantizer(clustered(), pairs, config(steps=150, checkpoint_seconds=0.0), None, tell, folder)
save_quantizer(fit.quantizer, out)
"""


@pytest.mark.slow
def test_a_process_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL in the middle; the next process goes on, and its files equal those of a fit that was left alone."""
    run_or_kill(FIT, tmp_path / "state", tmp_path / "resumed", kill_after=80)
    assert (tmp_path / "state" / FILE).exists()
    assert run_or_kill(FIT, tmp_path / "state", tmp_path / "resumed")[0] > 70
    run_or_kill(FIT, tmp_path / "other", tmp_path / "whole")
    a, b = (load_quantizer({path.name: path for path in (tmp_path / name).iterdir()}) for name in ("resumed", "whole"))
    assert all(np.array_equal(x, y) for (_, x), (_, y) in zip(a.tensors(), b.tensors(), strict=True))
    assert [path.name for path in (tmp_path / "state").iterdir()] == [FILE]  # saved, but not told


def test_a_method_without_training_keeps_no_state(tmp_path: Path) -> None:
    """There is nothing to go on from, and nothing to forget."""
    fit_quantizer(VECTORS, PAIRS, config(method="rq-kmeans", checkpoint_seconds=0.0), folder=tmp_path).forget()
    assert not list(tmp_path.iterdir())
