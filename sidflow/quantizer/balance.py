"""Keeping codes in use: usage statistics, re-initialisation of rarely used codes, and the loss-free bias."""

import math

import numpy as np
import torch
from torch import Tensor

DECAY = 0.95  # of the usage average: about 20 batches


class Usage:
    """A moving average of how often each code of one level is taken."""

    def __init__(self, size: int):
        """Start at even usage."""
        self.shares = torch.full((size,), 1 / size)
        self.scale = torch.tensor(0.0)  # mean squared distance to the nearest code, 0 until the first update

    def update(self, codes: Tensor, errors: Tensor) -> None:
        """Take in a batch: codes (b,) and squared distances to their code vectors (b,)."""
        batch = torch.bincount(codes, minlength=len(self.shares)) / len(codes)
        self.shares = DECAY * self.shares + (1 - DECAY) * batch
        error = errors.mean().clamp_min(1e-12)
        self.scale = DECAY * self.scale + (1 - DECAY) * error if self.scale > 0 else error

    def perplexity(self) -> float:
        """Effective share of the codebook in use, exp(entropy) / K, in (0, 1]."""
        entropy = torch.special.entr(self.shares).sum()
        return math.exp(float(entropy)) / len(self.shares)

    def gate(self, target: float) -> float:
        """How far perplexity is below target, as a share of it: 0 from the target upwards, 1 at collapse."""
        return max(0.0, 1 - self.perplexity() / target)


def revive(
    codebook: torch.nn.Parameter,
    usage: Usage,
    residuals: Tensor,
    below: float,
    optimizer: torch.optim.Optimizer,
    rng: np.random.Generator,
) -> Tensor:
    """Move rarely used code vectors onto badly served residuals, as if they had just been initialised.

    A residual's odds are its squared distance to the nearest code vector, as in k-means++.

    Args:
        codebook: (K, d).
        usage: Of this level; a moved code starts at its fair share.
        residuals: What this level has to quantise in this batch, (b, d).
        below: A code is rarely used below this share of its fair usage.
        optimizer: Its moments of the moved rows become zero.
        rng: Source of the draws.

    Returns:
        The codes that were moved, int64: at most a quarter of the codebook, the least used first. A bias they had is
        the caller's to forget.

    Source: Dhariwal et al. 2020, arXiv 2005.00341, section 3 (random restarts).
    """
    size = len(codebook)
    rare = torch.argsort(usage.shares, stable=True)[: max(1, size // 4)]
    rare = rare[usage.shares[rare] < below / size]
    odds = torch.cdist(residuals, codebook.detach()).min(1).values.double().square().numpy()
    rare = rare[: int((odds > 0).sum())]
    if not len(rare):
        return rare
    rows = torch.from_numpy(rng.choice(len(odds), len(rare), replace=False, p=odds / odds.sum()))
    with torch.no_grad():
        codebook[rare] = residuals[rows]
    usage.shares[rare] = 1 / size
    usage.shares /= usage.shares.sum()
    for moments in optimizer.state.get(codebook, {}).values():
        if moments.shape == codebook.shape:
            moments[rare] = 0
    return rare


def adjust_bias(bias: Tensor, usage: Usage, rate: float) -> None:
    """Loss-free balance: make overused codes look farther and underused ones nearer, in place.

    Args:
        bias: Added to squared distances when assigning, (K,).
        usage: Of this level.
        rate: Step in units of the mean squared distance to the nearest code.

    Source: Wang et al. 2024, arXiv 2408.15664, algorithm 1, with distances for scores.
    """
    bias += rate * usage.scale * torch.sign(usage.shares - 1 / len(bias))
