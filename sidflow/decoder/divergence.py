"""What a training that has run away looks like: losses that no model worth training on has."""

import math

import numpy as np

from sidflow.decoder.loss import Losses
from sidflow.decoder.model import Decoder
from sidflow.errors import TrainingDiverged

LIMIT = 30.0
"""Largest loss of a step, in units of what guessing costs: ln K a level, ln N the dense head.

Fresh weights have 1. On 12,000 events of MovieLens-100K healthy runs, warm or cold, with or without a warm-up, in
batches of 16 targets or of thousands, never passed 1.5; fifty times the shipped learning rate took the dense head to
19, and it came back. A rate that runs away for good went to 500 (1.0) and 88,000 (10.0) within its first epochs.
"""
NEXT = "Lower decoder.lr or decoder.clip_norm."


def check_step(decoder: Decoder, losses: Losses, norm: float, rate: float) -> None:
    """Stop at the first step whose losses or gradient are NaN, infinite or far above what any model has.

    Args:
        decoder: Whose codes and items say what guessing costs.
        losses: Over all processes' positions, so that all processes stop at the same step.
        norm: Length of the whole gradient.
        rate: Learning rate.

    Raises:
        TrainingDiverged: Naming the loss, the learning rate and what guessing costs.
    """
    loss = float(losses.levels + decoder.config.dense_weight * losses.dense)
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise TrainingDiverged(
            f"decoder: loss {loss} with gradient norm {norm} at learning rate {rate:.2g}; both must be finite. {NEXT}"
        )
    for name, value, chance in zip(Losses._fields, losses, guessing(decoder), strict=True):
        if value > LIMIT * chance:
            raise TrainingDiverged(
                f"decoder: the loss of {name} rose to {float(value):.3g} nats at learning rate {rate:.2g}; guessing "
                f"costs {chance:.3g}, allowed is {LIMIT:g} times that. {NEXT}"
            )


def guessing(decoder: Decoder) -> tuple[float, float]:
    """Losses in nats of a model that finds all codes of a level, and all items, equally likely."""
    return float(np.log(decoder.sizes).mean()), math.log(len(decoder.codes))
