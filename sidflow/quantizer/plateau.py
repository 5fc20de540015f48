"""When to stop: the loss of a fixed sample no longer falls."""

import math

import numpy as np
import torch

from sidflow.config import QuantizerConfig
from sidflow.quantizer.model import RqVae
from sidflow.quantizer.objective import Batch, joint_losses
from sidflow.quantizer.rows import Rows
from sidflow.quantizer.sampling import PairSampler

LOOK_EVERY = 20  # joint steps
GAIN = 0.002  # share of the loss that counts as falling: codes that are re-initialised make it rattle by less
TAIL = 0.6  # share of the schedule from which codes settle and the learning rate runs out
SAMPLE = 512  # items, and pairs, at most


class Plateau:
    """Watches the loss of a sample that is drawn once, from a random state of its own.

    A plateau does not end the fit: under a cosine schedule, weights at a high learning rate are not yet what they can
    be, and codes that were moved a moment ago have not settled. It makes the fit jump to the last 40% of its steps,
    in which the learning rate falls to a hundredth, and rarely used codes stay where `revive_until` is 0.6 or less.
    """

    def __init__(self, rows: Rows, sampler: PairSampler | None, config: QuantizerConfig):
        """Draw the sample.

        Args:
            rows: The catalogue.
            sampler: Pairs to learn from, or None.
            config: Stage settings; patience 0 draws and watches nothing.
        """
        self.patience, self.best, self.at, self.jumped = config.patience, math.inf, 0, 0
        self.config = config.model_copy(update={"progressive_masking": False, "balance": "none"})
        if not self.patience:
            return
        rng = np.random.default_rng([config.seed, 1])
        self.rng = rng
        self.pairs = sampler.draw(min(SAMPLE, config.batch_pairs), rng) if sampler else None
        drawn = rng.integers(rows.items, size=SAMPLE)
        self.inputs = rows[np.concatenate([self.pairs.items, drawn]) if self.pairs else drawn]

    def look(self, model: RqVae, step: int, steps: int) -> int:
        """The step to go on from: `step`, or the start of the tail if the loss has not fallen for `patience` steps.

        Args:
            model: As it is after this step.
            step: The step just done, from 1.
            steps: Steps in all.
        """
        tail = int(TAIL * steps)
        if not self.patience or self.jumped or step % LOOK_EVERY or step >= tail:
            return step
        loss = self.loss(model)
        if loss < self.best * (1 - GAIN):
            self.best, self.at = loss, step
        if step - self.at < self.patience:
            return step
        self.jumped = step
        return tail

    @torch.no_grad()
    def loss(self, model: RqVae) -> float:
        """What a joint step minimises, on the sample, at full collaborative weight, without balance and anchor."""
        batch = Batch(self.inputs, model.quantise(model.encoder(self.inputs)), self.pairs)
        losses = joint_losses(model.decoder, batch, (), self.config, self.rng)
        weight = {"collaborative": self.config.collaborative}
        return float(sum(weight.get(name, 1.0) * loss.item() for name, loss in losses.items()))
