"""Dropout that costs a random byte an element."""

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Inverted dropout, its rate rounded to 1/256, of which one at least is kept.

    On a CPU torch's own draws a float an element, which took a tenth of a training step; this draws eight elements
    with one 64-bit number. It follows torch's random state.

    Source: Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting.
    """

    def __init__(self, rate: float):
        super().__init__()
        self.dropped = min(round(rate * 256), 255)  # of 256 byte values

    def forward(self, values: Tensor) -> Tensor:
        """The values, some set to zero and the rest scaled up, in training; else as they are."""
        if not self.training or not self.dropped:
            return values
        numbers = torch.empty(-(-values.numel() // 8), dtype=torch.int64, device=values.device)
        numbers.random_(-(2**63), None)
        keep = numbers.view(torch.uint8)[: values.numel()] >= self.dropped
        return values * (keep.view(values.shape) * (256 / (256 - self.dropped))).to(values.dtype)
