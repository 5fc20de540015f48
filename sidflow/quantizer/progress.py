"""All that a fit has become so far, so that it can be written down and taken up again."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sidflow.artifacts.checkpoint import State
from sidflow.config import QuantizerConfig
from sidflow.quantizer.balance import Usage
from sidflow.quantizer.model import RqVae
from sidflow.quantizer.plateau import Plateau

Curve = list[dict[str, Any]]


class Progress:
    """Weights, random state, usage and counts of one fit.

    Attributes:
        warmed: Warm-up steps done.
        step: Joint steps done; 0 before the codebooks are initialised.
        curve: Losses and perplexity so far.
        revived: Codes re-initialised so far, per level.
    """

    def __init__(self, model: RqVae, plateau: Plateau, config: QuantizerConfig):
        """The very beginning."""
        self.model, self.plateau = model, plateau
        self.rng = np.random.default_rng(config.seed)
        self.usages = [Usage(size) for size in config.codebooks]
        self.revived = [0] * len(config.codebooks)
        self.curve: Curve = []
        self.warmed = self.step = 0
        self._optimizer: State | None = None  # of the phase that was interrupted

    def optimizer(self, trained: Sequence[torch.nn.Parameter], lr: float, weight_decay: float) -> torch.optim.Optimizer:
        """AdamW over a phase's parameters, with the moments it had if the phase was interrupted."""
        optimizer = torch.optim.AdamW(trained, lr=lr, weight_decay=weight_decay)
        if self._optimizer is not None:
            optimizer.load_state_dict(self._optimizer)
            self._optimizer = None
        return optimizer

    def state(self, optimizer: torch.optim.Optimizer) -> State:
        """Everything that the next step depends on, as tensors, numbers and text."""
        return {
            "warmed": self.warmed,
            "step": self.step,
            "weights": self.model.state_dict(),
            "biases": self.model.biases,
            "optimizer": optimizer.state_dict(),
            "rng": self.rng.bit_generator.state,
            "usages": [(usage.shares, usage.scale) for usage in self.usages],
            "revived": self.revived,
            "curve": self.curve,
            "plateau": (self.plateau.best, self.plateau.at, self.plateau.jumped),
        }

    def restore(self, state: State) -> None:
        """Go on from what `state` wrote."""
        self.warmed, self.step = state["warmed"], state["step"]
        self.model.load_state_dict(state["weights"])
        self.model.biases = state["biases"]
        self._optimizer = state["optimizer"]
        self.rng.bit_generator.state = state["rng"]
        for usage, (shares, scale) in zip(self.usages, state["usages"], strict=True):
            usage.shares, usage.scale = shares, scale
        self.revived, self.curve = state["revived"], state["curve"]
        self.plateau.best, self.plateau.at, self.plateau.jumped = state["plateau"]
