"""What a fit that has run away looks like: losses and weights that no quantiser worth keeping has."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from sidflow.errors import TrainingDiverged
from sidflow.quantizer.codebook import Quantizer

RECONSTRUCTION = 10_000.0
"""Largest reconstruction loss, in squared lengths of the input: outputs a hundred times as long as what they should be.

The mean has 1, fresh weights have 1 to 12, and the first steps of a decoder of 1,024 hidden units took it to 33; a
learning rate that runs away passes this limit by orders of magnitude within its first steps. The other losses are in
units of their own and are only held to be finite.
"""
NEXT = "Lower quantizer.lr, or look for outliers in the embeddings."


def check_losses(losses: Mapping[str, Tensor], step: int) -> None:
    """Stop at the first loss that is NaN, infinite or far above what any model has.

    Args:
        losses: Scalars by name; those named after the reconstruction are held to `RECONSTRUCTION`.
        step: From 1.

    Raises:
        TrainingDiverged: Naming the loss and the step.
    """
    for name, loss in losses.items():
        value = loss.item()
        if not np.isfinite(value):
            raise TrainingDiverged(f"quantizer: the {name} loss became {value} at step {step}. {NEXT}")
        if name.endswith("reconstruction") and value > RECONSTRUCTION:
            raise TrainingDiverged(
                f"quantizer: the {name} loss rose to {value:.3g} at step {step}; the mean of all items has 1, allowed "
                f"is {RECONSTRUCTION:,.0f}. {NEXT}"
            )


def check_fitted(quantizer: Quantizer) -> None:
    """Refuse a fitted quantiser with a NaN or infinite number: the last step has no loss after it.

    Raises:
        TrainingDiverged: Naming the array.
    """
    for name, array in quantizer.tensors():
        bad = int((~np.isfinite(array)).sum())
        if bad:
            raise TrainingDiverged(
                f"quantizer: {bad} of {array.size} numbers of {name} are not finite after the last step. {NEXT}"
            )
