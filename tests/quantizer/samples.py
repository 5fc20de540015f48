"""Small catalogues with planted truth for the quantiser's tests."""

import numpy as np
import numpy.typing as npt

from sidflow.config import QuantizerConfig
from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import Quantizer


def clustered(items: int = 200, dim: int = 16, topics: int = 8, seed: int = 0) -> npt.NDArray[np.float32]:
    """Vectors (items, dim) in noisy clusters; item k belongs to topic k % topics."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((topics, dim))
    return (centres[np.arange(items) % topics] + 0.3 * rng.standard_normal((items, dim))).astype(np.float32)


def linked(ends: list[tuple[int, int]], heldout: list[bool] | None = None, weight: float = 1.0) -> Pairs:
    """Pairs over the given ends, with made-up statistics."""
    a, b = np.array(ends, np.int32).reshape(-1, 2).T
    ones = np.ones(len(ends))
    return Pairs(
        a=a,
        b=b,
        support=(3 * ones).astype(np.int32),
        expected=0.1 * ones,
        pmi=3 * ones,
        p_value=1e-6 * ones,
        significant=ones.astype(bool),
        weight=(weight * ones).astype(np.float32),
        heldout=np.array(heldout if heldout is not None else [False] * len(ends), bool),
    )


def config(**changes: object) -> QuantizerConfig:
    """Settings of a fit that takes a fraction of a second."""
    small = {
        "codebooks": (8, 32),
        "hidden": (16,),
        "latent": 4,
        "warmup_steps": 10,
        "steps": 30,
        "batch_items": 32,
        "batch_pairs": 8,
        "revive_every": 5,
    }
    return QuantizerConfig.model_validate({**small, **changes})


def literal() -> Quantizer:
    """Two levels over two dimensions, identity encoder: {0, 4} x {0, 4} corners, then unit steps."""
    first = np.array([[0, 0], [4, 0], [0, 4], [4, 4]], np.float32)
    second = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    zeros = (np.zeros(4, np.float32), np.zeros(3, np.float32))
    return Quantizer(np.zeros(2, np.float32), (), (first, second), zeros, "by-hand")
