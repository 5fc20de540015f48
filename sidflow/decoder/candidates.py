"""Which items a training step compares: every trained item, or a draw of them where the catalogue is large."""

from typing import NamedTuple

import numpy as np


class Candidates(NamedTuple):
    """Items of a step, m of them.

    Attributes:
        items: Catalogue indices, ascending, (m,) int64.
        log_weights: Logarithm of the number of items each stands for, (m,) float32; None: each for itself.
    """

    items: np.ndarray
    log_weights: np.ndarray | None

    def places(self, items: np.ndarray) -> np.ndarray:
        """Where items of this step stand among the candidates, same shape, int64."""
        return np.searchsorted(self.items, items)


def draw_candidates(own: np.ndarray, trained: np.ndarray, limit: int, generator: np.random.Generator) -> Candidates:
    """The step's own items, joined by a uniform draw whose members stand for all others.

    So weighted, the sum over candidates estimates the softmax's denominator over all trained items without bias. That
    takes some others, so limit / 10 of them are drawn however many items the batch has. Items without training events
    are never candidates: they could only be learned as wrong answers.

    Args:
        own: Items in the step's batch, distinct and ascending, (o,).
        trained: Items with training events, (t,) int64; `own` are among them.
        limit: Most candidates, unless the batch alone has nearly as many; 0 draws none.
        generator: Of the draw.

    Source: Bengio and Senecal 2008, Adaptive importance sampling to accelerate training of a neural probabilistic
    language model; the draw here is uniform.
    """
    wanted = min(max(limit - len(own), limit // 10), len(trained) - len(own))
    if wanted <= 0:
        return Candidates(own.astype(np.int64), None)
    others = np.setdiff1d(trained, own, assume_unique=True)
    drawn = generator.choice(others, wanted, replace=False, shuffle=False)
    items = np.concatenate([own, drawn]).astype(np.int64)
    weights = np.repeat([0.0, np.log(len(others) / wanted)], [len(own), wanted]).astype(np.float32)
    order = np.argsort(items)
    return Candidates(items[order], weights[order])
