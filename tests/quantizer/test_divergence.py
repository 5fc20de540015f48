"""A fit that runs away is named, and no healthy one is."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sidflow.errors import TrainingDiverged
from sidflow.quantizer.baselines import mean_vector
from sidflow.quantizer.divergence import RECONSTRUCTION, check_fitted, check_losses
from sidflow.quantizer.train import train_rq_vae
from tests.quantizer.samples import clustered, config, literal


def train(**changes: object) -> list[float]:
    """Reconstruction losses of a short fit on 384 dimensions."""
    vectors = clustered(dim=384)
    fit = train_rq_vae(vectors, mean_vector(vectors), None, config(**changes))
    return [point["reconstruction"] for point in fit.curve]


def test_a_broken_loss_is_named() -> None:
    """NaN or infinity stops with the loss, the step and what to do."""
    with pytest.raises(TrainingDiverged, match=r"the balance loss became nan at step 7. Lower quantizer.lr"):
        check_losses({"reconstruction": torch.tensor(1.0), "balance": torch.tensor(torch.nan)}, 7)
    with pytest.raises(TrainingDiverged, match="became inf"):
        check_losses({"reconstruction": torch.tensor(torch.inf)}, 1)


def test_a_loss_that_no_model_has_is_named() -> None:
    """A finite reconstruction far above that of the mean stops too, in the warm-up as later; its limit is allowed."""
    check_losses({"reconstruction": torch.tensor(RECONSTRUCTION), "anchor": torch.tensor(1e9)}, 1)
    for name in ("reconstruction", "warm-up reconstruction"):
        with pytest.raises(TrainingDiverged, match=rf"the {name} loss rose to 5.63e\+04 at step 3; .* is 10,000"):
            check_losses({name: torch.tensor(56_275.0)}, 3)


@pytest.mark.parametrize("lr", [1.0, 10.0, 1_000.0])
@pytest.mark.parametrize("warmup_steps", [0, 50])
def test_a_learning_rate_that_runs_away_is_stopped(lr: float, warmup_steps: int) -> None:
    """Finite divergence ends the fit within a few steps instead of all items on one code."""
    with pytest.raises(TrainingDiverged, match=r"reconstruction loss (rose to|became)"):
        train(lr=lr, warmup_steps=warmup_steps, steps=50)


@pytest.mark.parametrize(
    "changes",
    [
        {"warmup_steps": 0, "steps": 1},
        {"warmup_steps": 0, "init": "random", "gradient": "rotation"},
        {"hidden": (), "latent": 2},
        {"hidden": (1_024,)},
        {"hidden": (2,)},
        {"lr": 0.03},
    ],
    ids=str,
)
def test_short_and_odd_fits_stay_far_below_the_limit(changes: dict[str, object]) -> None:
    """One step, odd widths and ten times the learning rate stay below a hundredth of the limit."""
    assert max(train(**changes)) < RECONSTRUCTION / 100


def test_a_number_that_broke_after_the_last_loss_is_named() -> None:
    """What is exported is finite."""
    check_fitted(literal())
    broken = np.array([[np.inf, np.nan], [1, 0], [0, 1]], np.float32)
    with pytest.raises(TrainingDiverged, match=r"2 of 6 numbers of codebook.1 are not finite after the last step"):
        check_fitted(replace(literal(), codebooks=(literal().codebooks[0], broken)))
