"""The training loss: cross-entropy of every level, and of the dense head over items."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

ROWS = 256  # positions whose logits are held at once: 256 x 12,000 items in bfloat16 stay in the cache
TINY = 1e-30  # shares below this are near the end of float32 and bfloat16, where their logarithm is no longer exact


class Losses(NamedTuple):
    """Mean cross-entropies of a step in nats: of all levels together, and of the dense head."""

    levels: Tensor
    dense: Tensor


def level_loss(logits: list[Tensor], codes: Tensor, smoothing: float) -> Tensor:
    """Mean over levels and positions of the cross-entropy of codes (n, L) under logits (n, K_l)."""
    losses = [
        functional.cross_entropy(each.float(), codes[:, level], label_smoothing=smoothing)
        for level, each in enumerate(logits)
    ]
    return torch.stack(losses).mean()


def dense_loss(states: Tensor, candidates: Tensor, targets: Tensor, log_weights: Tensor | None) -> Tensor:
    """Mean cross-entropy of a softmax over candidate items.

    Shapes: n positions, m candidates, d dimensions.

    Args:
        states: History states, (n, d).
        candidates: Item vectors, (m, d).
        targets: The candidate that came next, (n,).
        log_weights: Logarithm of how many items a candidate stands for, (m,); None where each stands for itself.
    """
    if torch.is_autocast_enabled(states.device.type):
        dtype = torch.get_autocast_dtype(states.device.type)
        states, candidates = states.to(dtype), candidates.to(dtype)
    loss: Tensor = _LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
        states, candidates, targets, log_weights
    )
    return loss


class _LinearCrossEntropy(torch.autograd.Function):
    """softmax(states @ candidates.T) and its gradient a slice of positions at a time.

    The n x m logits are never held as a whole: on a CPU, where moving them costs more than computing them,
    this is twice as fast as matrix product and `cross_entropy`, and needs memory for one slice.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, candidates: Tensor, targets: Tensor, log_weights: Tensor | None) -> Tensor:
        loss = states.new_zeros((), dtype=torch.float32)
        to_states = torch.empty_like(states)
        to_candidates = torch.zeros_like(candidates, dtype=torch.float32)
        for start in range(0, len(states), ROWS):
            rows, right = states[start : start + ROWS], targets[start : start + ROWS, None]
            logits = rows @ candidates.T
            if log_weights is not None:
                logits += log_weights
            share = logits.softmax(-1)
            chosen = share.gather(1, right)
            lost = chosen < TINY
            loss -= chosen.float().masked_fill(lost, 1.0).log().sum()
            far = lost[:, 0].nonzero()[:, 0]  # none of an ordinary batch: the second pass is over what was lost alone
            loss += functional.cross_entropy(logits[far].float(), right[far, 0], reduction="sum")
            share.scatter_(1, right, chosen - 1)
            torch.mm(share, candidates, out=to_states[start : start + ROWS])
            to_candidates += share.T @ rows
        ctx.save_for_backward(to_states, to_candidates)
        ctx.positions = len(states)
        return loss / len(states)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        to_states, to_candidates = ctx.saved_tensors
        scale = gradients[0] / ctx.positions
        return to_states * scale.to(to_states.dtype), (to_candidates * scale).to(to_states.dtype), None, None
