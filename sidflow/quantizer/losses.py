"""The losses of the quantiser, each a mean over its batch."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def reconstruction_loss(inputs: Tensor, reconstruction: Tensor) -> Tensor:
    """Mean squared error over the inputs' variance: 0 is perfect, 1 is no better than the mean.

    Args:
        inputs: Centred unit vectors, (b, D): their variance is 1 / D, so the ratio is the squared distance.
        reconstruction: (b, D).
    """
    return (inputs - reconstruction).square().sum(1).mean()


def quantisation_loss(residuals: Sequence[Tensor], vectors: Sequence[Tensor], commitment: float) -> Tensor:
    """Sum over levels of: code vectors to residuals, and `commitment` times residuals to code vectors.

    Args:
        residuals: Per level (b, d).
        vectors: Per level (b, d), the code vectors taken.
        commitment: Weight of the second term.

    Source: van den Oord et al. 2017, arXiv 1711.00937, equation 3.
    """
    total = residuals[0].new_zeros(())
    for residual, vector in zip(residuals, vectors, strict=True):
        total = total + functional.mse_loss(vector, residual.detach())
        total = total + commitment * functional.mse_loss(residual, vector.detach())
    return total


def collaborative_loss(quantised: Tensor, weights: Tensor, excluded: Tensor, temperature: float) -> Tensor:
    """Symmetric InfoNCE: an item's quantised vector should find its partner's among the batch's.

    Args:
        quantised: (2p, d): row i and row i + p are partners.
        weights: How much each pair counts, (p,).
        excluded: (2p, 2p) bool: no negatives, since they are the item itself or known partners.
        temperature: Divides the cosines.

    Source: van den Oord et al. 2018, arXiv 1807.03748.
    """
    size = len(quantised)
    unit = functional.normalize(quantised, dim=1)
    cosines = unit @ unit.T / temperature
    partner = torch.arange(size).roll(size // 2)
    barred = excluded.index_put((torch.arange(size), partner), torch.tensor(False))
    losses = functional.cross_entropy(cosines.masked_fill(barred, -torch.inf), partner, reduction="none")
    both = weights.repeat(2)
    return (losses * both).sum() / both.sum()


def anchor_loss(latents: Tensor, before: Tensor) -> Tensor:
    """How far a refit has moved latents, as a share of their variance.

    Args:
        latents: (b, d).
        before: Of the same items under the previous encoder, (b, d), no gradient.
    """
    variance = (before - before.mean(0)).square().sum(1).mean()
    return (latents - before).square().sum(1).mean() / variance.clamp_min(1e-12)


def switch_loss(scores: Tensor, usage: Tensor, scale: Tensor) -> Tensor:
    """Switch-style load balance: K sum_k f_k P_k, 1 when usage is even and larger when it is not.

    Args:
        scores: Squared distances up to a constant per row, (b, K).
        usage: f, recent share of each code, (K,), sums to 1, no gradient.
        scale: Typical squared distance to the nearest code, so that the softmax has temperature 1.

    Source: Fedus et al. 2021, arXiv 2101.03961, equations 4 to 6.
    """
    shares = torch.softmax(-scores / scale, dim=1).mean(0)
    return len(usage) * (usage * shares).sum()
