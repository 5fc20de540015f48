"""The RQ-VAE: an MLP encoder, one codebook a level, and an MLP decoder that exists only while it trains."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sidflow.quantizer.codebook import Array, Quantizer


class Quantised(NamedTuple):
    """What residual quantisation makes of b latents of d dimensions with L levels of K_l codes."""

    latents: Tensor  # (b, d)
    residuals: tuple[Tensor, ...]  # per level (b, d), what it had to quantise; gradient to the encoder only
    vectors: tuple[Tensor, ...]  # per level (b, d), the code vectors taken; gradient to the codebooks only
    scores: tuple[Tensor, ...]  # per level (b, K_l), squared distance less the residual's own square
    codes: Tensor  # (b, L) int64

    def total(self, keep: Tensor | None = None) -> Tensor:
        """Sum of the code vectors, (b, d); with `keep` (b, L) bool, of the levels kept."""
        stacked = torch.stack(self.vectors, 1)
        return stacked.sum(1) if keep is None else (stacked * keep[..., None]).sum(1)

    def errors(self) -> list[Tensor]:
        """Squared distance of each residual to its code vector, per level (b,), without gradient."""
        return [
            (residual.detach() - vector.detach()).square().sum(1)
            for residual, vector in zip(self.residuals, self.vectors, strict=True)
        ]

    def first(self, items: int) -> "Quantised":
        """The same of the first items of the batch."""
        residuals, vectors, scores = (
            tuple(each[:items] for each in part) for part in (self.residuals, self.vectors, self.scores)
        )
        return Quantised(self.latents[:items], residuals, vectors, scores, self.codes[:items])


class RqVae(nn.Module):
    """Residual-quantised autoencoder over centred unit vectors.

    Shapes: b items, D input and d latent dimensions, L levels with K_l codes.

    Source: Zeghidour et al. 2021, arXiv 2107.03312 (residual quantisation); Rajput et al. 2023, arXiv 2305.05065.
    """

    def __init__(self, widths: Sequence[int], sizes: Sequence[int], seed: int):
        """Random weights; codebooks start at zero until they are initialised.

        Args:
            widths: Input, hidden and latent dimensions of the encoder; the decoder mirrors them.
            sizes: Codes per level.
            seed: Of the weights; torch's own random state is left alone.
        """
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.encoder = _mlp(widths, generator)
        self.decoder = _mlp(widths[::-1], generator)
        self.codebooks = nn.ParameterList([torch.zeros(size, widths[-1]) for size in sizes])
        self.biases = [torch.zeros(size) for size in sizes]

    def quantise(self, latents: Tensor) -> Quantised:
        """Codes of latents (b, d), each level on what the earlier code vectors left over."""
        residual, residuals, vectors, scores, codes = latents, [], [], [], []
        for codebook, bias in zip(self.codebooks, self.biases, strict=True):
            scores.append(codebook.square().sum(1) - 2 * residual @ codebook.T)
            codes.append((scores[-1].detach() + bias).argmin(1))
            residuals.append(residual)
            vectors.append(functional.embedding(codes[-1], codebook))
            residual = residual - vectors[-1].detach()
        return Quantised(latents, tuple(residuals), tuple(vectors), tuple(scores), torch.stack(codes, 1))

    def set_codebooks(self, codebooks: Sequence[Array]) -> None:
        """Overwrite the code vectors, (K_l, d) per level."""
        with torch.no_grad():
            for parameter, codebook in zip(self.codebooks, codebooks, strict=True):
                parameter.copy_(torch.from_numpy(codebook))

    def load(self, quantizer: Quantizer) -> None:
        """Continue from a fitted quantiser's encoder, codebooks and biases; the decoder stays as it is."""
        self.set_codebooks(quantizer.codebooks)
        self.biases = [torch.from_numpy(bias.copy()) for bias in quantizer.biases]
        with torch.no_grad():
            for layer, (weight, bias) in zip(_linears(self.encoder), quantizer.layers, strict=True):
                layer.weight.copy_(torch.from_numpy(weight))
                layer.bias.copy_(torch.from_numpy(bias))

    def export(self, mean: Array) -> Quantizer:
        """The fitted part as arrays: what assigns codes from now on."""
        return Quantizer(
            mean=mean,
            layers=tuple((_array(layer.weight), _array(layer.bias)) for layer in _linears(self.encoder)),
            codebooks=tuple(_array(codebook) for codebook in self.codebooks),
            biases=tuple(_array(bias) for bias in self.biases),
            method="rq-vae",
        )


def straight_through(latents: Tensor, quantised: Tensor) -> Tensor:
    """The quantised vectors (b, d) with the gradient of the latents (van den Oord et al. 2017, arXiv 1711.00937)."""
    return latents + (quantised - latents).detach()


def rotate(latents: Tensor, quantised: Tensor) -> Tensor:
    """The quantised vectors (b, d) as a rotation and rescaling of the latents, which carries their gradient.

    A zero latent has no direction to turn: its gradient passes straight through.

    Source: Fifty et al. 2024, arXiv 2410.06424.
    """
    norm, target = latents.detach().norm(dim=1, keepdim=True), quantised.detach().norm(dim=1, keepdim=True)
    u, v = functional.normalize(latents.detach(), dim=1), functional.normalize(quantised.detach(), dim=1)
    w = functional.normalize(u + v, dim=1)
    turned = latents - 2 * (latents * w).sum(1, keepdim=True) * w + 2 * (latents * u).sum(1, keepdim=True) * v
    rotated = turned * (target / norm.clamp_min(1e-12))
    return torch.where(norm > 0, rotated, straight_through(latents, quantised))


def _mlp(widths: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        linear: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)  # type: ignore[no-untyped-call]
        nn.init.kaiming_uniform_(linear.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _linears(network: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in network if isinstance(layer, nn.Linear)]


def _array(tensor: Tensor) -> Array:
    return np.array(tensor.detach().numpy(), np.float32)
