"""A finite loss that no model has ends training; what healthy runs meet does not."""

import math

import pytest
import torch

from sidflow.decoder.divergence import LIMIT, check_step, guessing
from sidflow.decoder.fit import train_decoder
from sidflow.decoder.loss import Losses
from sidflow.errors import TrainingDiverged
from tests.decoder.worlds import SMALL, planted_dataset, random_decoder

DATASET, VECTORS = planted_dataset()
DECODER = random_decoder(DATASET.sids)
LEVELS, DENSE = (math.log(4) + math.log(10)) / 2, math.log(40)


def check(levels: float, dense: float, norm: float = 1.0) -> None:
    """A step with these losses at learning rate 0.5."""
    check_step(DECODER, Losses(torch.tensor(levels), torch.tensor(dense)), norm, 0.5)


def test_guessing_costs_the_logarithm_of_what_is_guessed() -> None:
    """Levels of 4 and 10 codes, 40 items."""
    assert DATASET.sids.sizes == (4, 10)
    assert guessing(DECODER) == pytest.approx((LEVELS, DENSE))


def test_losses_up_to_the_limit_pass() -> None:
    """Just below it, both at once."""
    check(0.99 * LIMIT * LEVELS, 0.99 * LIMIT * DENSE)


@pytest.mark.parametrize(("name", "above"), [("levels", (1.01, 0.0)), ("dense", (0.0, 1.01))])
def test_each_loss_has_its_limit(name: str, above: tuple[float, float]) -> None:
    """The message names the loss, what it was, what guessing costs and what is allowed."""
    with pytest.raises(
        TrainingDiverged,
        match=rf"the loss of {name} rose to [\d.]+ nats at learning rate 0\.5; guessing costs [\d.]+, allowed is 30 "
        r"times that\. Lower decoder\.lr",
    ):
        check(above[0] * LIMIT * LEVELS, above[1] * LIMIT * DENSE)


@pytest.mark.parametrize(("dense", "norm"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.inf)])
def test_what_is_not_finite_is_named_as_such(dense: float, norm: float) -> None:
    """NaN and infinity in a loss, infinity in the gradient."""
    with pytest.raises(TrainingDiverged, match="both must be finite"):
        check(1.0, dense, norm)


@pytest.mark.parametrize("dense_weight", [0.0, 1.0])
def test_a_training_that_diverges_in_finite_numbers_ends(dense_weight: float) -> None:
    """A learning rate of 10, with and without the dense head."""
    config = SMALL.model_copy(update={"lr": 10.0, "epochs": 40, "patience": 0, "dense_weight": dense_weight})
    with pytest.raises(TrainingDiverged, match="allowed is 30 times that"):
        train_decoder(DATASET, VECTORS, config, 10)


@pytest.mark.parametrize(
    "changes", [{}, {"warmup": 0.0}, {"batch_positions": 1, "epochs": 1}, {"lr": 0.1, "epochs": 20}]
)
def test_healthy_trainings_never_meet_the_limit(changes: dict[str, object]) -> None:
    """Fresh weights without a warm-up, batches of one target, fifty times the shipped learning rate."""
    trained = train_decoder(DATASET, VECTORS, SMALL.model_copy(update={"patience": 0, **changes}), 10)
    assert all(row["loss_levels"] < 2 * LEVELS and row["loss_dense"] < 2 * DENSE for row in trained.curve)
