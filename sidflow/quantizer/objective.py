"""What one joint step minimises: the quantiser's losses by name, each switched by its setting."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sidflow.config import QuantizerConfig
from sidflow.quantizer.balance import Usage
from sidflow.quantizer.losses import collaborative_loss, quantisation_loss, reconstruction_loss, switch_loss
from sidflow.quantizer.model import Quantised, rotate, straight_through
from sidflow.quantizer.sampling import PairBatch


class Batch(NamedTuple):
    """What one step looks at: b items, of which the first 2p belong to p pairs."""

    inputs: Tensor  # centred unit vectors, (b, D)
    quantised: Quantised  # of the encoded inputs
    pairs: PairBatch | None


def joint_losses(
    decoder: nn.Module, batch: Batch, usages: Sequence[Usage], config: QuantizerConfig, rng: np.random.Generator
) -> dict[str, Tensor]:
    """The losses of a batch by name; the collaborative one still without its weight, which ramps up.

    Args:
        decoder: Latents to inputs.
        batch: Items, and pairs of them.
        usages: Per level; only the balance loss asks for them.
        config: Stage settings.
        rng: Source of the masked depths.
    """
    quantised = batch.quantised
    kept = _kept_levels(quantised, rng) if config.progressive_masking else None
    passed = _pass_through(quantised, quantised.total(kept), config)
    losses = {
        "reconstruction": reconstruction_loss(batch.inputs, decoder(passed)),
        "quantisation": quantisation_loss(quantised.residuals, quantised.vectors, config.commitment),
    }
    if batch.pairs is not None:
        losses["collaborative"] = _collaborative(quantised, batch.pairs, config)
    if config.balance == "switch":
        losses["balance"] = _balance(quantised, usages, config)
    return losses


def _pass_through(quantised: Quantised, total: Tensor, config: QuantizerConfig) -> Tensor:
    match config.gradient:
        case "rotation":
            return rotate(quantised.latents, total)
        case "straight-through":
            return straight_through(quantised.latents, total)


def _kept_levels(quantised: Quantised, rng: np.random.Generator) -> Tensor:
    """A random depth an item, as a mask (b, L): every prefix must reconstruct (He et al. 2025, arXiv 2510.07784)."""
    items, levels = quantised.codes.shape
    return torch.from_numpy(rng.integers(1, levels + 1, size=(items, 1))) > torch.arange(levels)


def _collaborative(quantised: Quantised, pairs: PairBatch, config: QuantizerConfig) -> Tensor:
    excluded, weights = torch.from_numpy(pairs.excluded), torch.from_numpy(pairs.weights)
    quantised = quantised.first(len(excluded))
    whole = _pass_through(quantised, quantised.total(), config)
    loss = collaborative_loss(whole, weights, excluded, config.temperature)
    if config.collaborative_prefix and len(quantised.vectors) > 1:  # one level is the whole already
        prefix = _pass_through(quantised, quantised.vectors[0], config)
        loss = loss + config.collaborative_prefix * collaborative_loss(prefix, weights, excluded, config.temperature)
    return loss


def _balance(quantised: Quantised, usages: Sequence[Usage], config: QuantizerConfig) -> Tensor:
    total = quantised.latents.new_zeros(())
    for scores, usage in zip(quantised.scores, usages, strict=True):
        strength = config.balance_weight * usage.gate(config.balance_perplexity)
        if strength:
            total = total + strength * switch_loss(scores, usage.shares, usage.scale)
    return total
