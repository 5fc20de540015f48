"""Jumping to the settling tail once the loss no longer falls."""

import math

import numpy as np
import pytest

from sidflow.quantizer.baselines import mean_vector
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.model import RqVae
from sidflow.quantizer.plateau import LOOK_EVERY, TAIL, Plateau
from sidflow.quantizer.sampling import PairSampler
from sidflow.quantizer.train import Trained, train_rq_vae
from tests.quantizer.samples import clustered, config, linked

VECTORS = clustered()
PAIRS = linked([(k, k + 1) for k in range(0, 200, 2)])


class Scripted(Plateau):
    """A plateau whose losses are given."""

    def __init__(self, losses: list[float], patience: int):
        self.patience, self.best, self.at, self.jumped = patience, math.inf, 0, 0
        self.losses = iter(losses)

    def loss(self, model: RqVae) -> float:
        """The next of the given ones."""
        return next(self.losses)


def walk(losses: list[float], patience: int, steps: int = 1000) -> list[int]:
    """Steps at which a loop that asks the plateau is looked at, and where it goes on after the last."""
    plateau, model, went = Scripted(losses, patience), RqVae((4, 2), (2,), 0), []
    step = 0
    for _ in losses:
        step = plateau.look(model, step + LOOK_EVERY, steps)
        went.append(step)
    return went


def train(initial: Quantizer | None = None, **changes: object) -> Trained:
    """A fit of the small catalogue with pairs."""
    sampler = PairSampler(PAIRS, len(VECTORS))
    return train_rq_vae(VECTORS, mean_vector(VECTORS), sampler, config(**changes), initial)


def test_a_falling_loss_is_left_alone() -> None:
    """One percent a look is a fall."""
    assert walk([0.99**k for k in range(10)], patience=40) == [20 * k for k in range(1, 11)]


def test_a_flat_loss_jumps_to_the_tail() -> None:
    """The best is at step 20; forty steps later patience ends, and the tail begins at 60% of the steps."""
    assert walk([1.0, 1.0, 0.999], patience=40) == [20, 40, 600]


def test_it_jumps_once() -> None:
    """In the tail nothing is looked at."""
    assert walk([1.0, 1.0, 1.0, 1.0], patience=40)[2:] == [600, 620]


def test_a_fall_restarts_the_wait() -> None:
    """Flat, then better, then flat."""
    assert walk([1.0, 1.0, 0.9, 0.9, 0.9], patience=40) == [20, 40, 60, 80, 600]


def test_a_long_fit_that_has_converged_is_cut_short() -> None:
    """Fewer steps, a curve with a gap, and the learning rate still runs out at the last step."""
    fit = train(steps=1200, patience=40, lr=0.01)
    assert fit.plateau is not None and fit.plateau < 1200 * TAIL
    steps = [point["step"] for point in fit.curve]
    assert steps[-1] == 1200
    assert not [step for step in steps if fit.plateau < step <= 1200 * TAIL]


def test_the_plateau_is_deterministic() -> None:
    """The same step twice, and the same bits."""
    a, b = (train(steps=1200, patience=40, lr=0.01) for _ in range(2))
    assert a.plateau == b.plateau is not None
    assert np.array_equal(a.quantizer.codebooks[0], b.quantizer.codebooks[0])


def test_watching_changes_nothing() -> None:
    """The sample has a random state of its own: without a plateau, every bit is that of a fit with patience 0."""
    watched, unwatched = train(steps=100, patience=10_000), train(steps=100, patience=0)
    assert watched.plateau is unwatched.plateau is None and watched.curve == unwatched.curve
    assert np.array_equal(watched.quantizer.codebooks[1], unwatched.quantizer.codebooks[1])


def test_patience_0_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """No sample is drawn, no loss computed."""
    monkeypatch.setattr(Plateau, "loss", lambda self, model: pytest.fail("looked"))
    assert train(steps=100, patience=0).plateau is None


def test_a_refit_waits_for_its_share_of_the_patience() -> None:
    """It has 30% of the steps: with all of the patience it could never stop waiting before its tail began."""
    first = train(steps=600, patience=0).quantizer
    again = train(first, steps=600, patience=160, lr=1e-6)
    assert again.plateau is not None and 160 * 0.3 <= again.plateau < 600 * 0.3 * TAIL
    assert train(first, steps=600, patience=0).plateau is None
