"""Which losses a step has."""

import numpy as np
import pytest
import torch

from sidflow.quantizer.balance import Usage
from sidflow.quantizer.model import RqVae
from sidflow.quantizer.objective import Batch, joint_losses
from sidflow.quantizer.sampling import PairBatch
from tests.quantizer.samples import config

PAIR = PairBatch(np.array([0, 1]), np.ones(1, np.float32), np.eye(2, dtype=bool))


def losses(
    pairs: PairBatch | None = PAIR, shares: list[float] | None = None, levels: int = 2, **changes: object
) -> dict[str, torch.Tensor]:
    """The losses of four items on a fresh network."""
    network = RqVae((6, 5, 4), (8,) * levels, seed=0)
    rng = np.random.default_rng(0)
    network.set_codebooks([rng.standard_normal((8, 4)).astype(np.float32) for _ in range(levels)])
    inputs = torch.nn.functional.normalize(torch.randn(4, 6, generator=torch.Generator().manual_seed(0)), dim=1)
    usages = [Usage(8) for _ in range(levels)]
    for usage in usages:
        usage.scale = torch.tensor(1.0)
        usage.shares = torch.tensor(shares) if shares else usage.shares
    quantised = network.quantise(network.encoder(inputs))
    return joint_losses(network.decoder, Batch(inputs, quantised, pairs), usages, config(**changes), rng)


def test_every_part_can_be_switched_off() -> None:
    """No pairs, no collaborative loss; no balance, no balance loss."""
    assert set(losses()) == {"reconstruction", "quantisation", "collaborative", "balance"}
    assert set(losses(pairs=None, balance="none")) == {"reconstruction", "quantisation"}
    assert "balance" not in losses(balance="bias")


def test_balance_rests_at_even_usage_and_acts_below() -> None:
    """The perplexity gate."""
    assert losses()["balance"].item() == 0
    assert losses(shares=[0.93] + [0.01] * 7)["balance"].item() > 0


def test_masked_levels_change_the_reconstruction_only() -> None:
    """Progressive masking reconstructs from prefixes."""
    plain, masked = losses(), losses(progressive_masking=True)
    assert plain["reconstruction"].item() != masked["reconstruction"].item()
    assert plain["quantisation"].item() == masked["quantisation"].item()


def test_rotation_keeps_the_values() -> None:
    """Only gradients differ between the two ways through the quantiser."""
    assert losses()["reconstruction"].item() == pytest.approx(
        losses(gradient="rotation")["reconstruction"].item(), rel=1e-5
    )


def test_the_prefix_of_one_level_is_not_asked_for_twice() -> None:
    """A VQ-VAE's first code is all there is: its collaborative loss does not depend on the prefix's weight."""
    two = PairBatch(np.arange(4), np.ones(2, np.float32), np.eye(4, dtype=bool))
    for levels in (1, 2):
        whole, more = (
            losses(two, levels=levels, collaborative_prefix=each)["collaborative"].item() for each in (0.0, 0.5)
        )
        assert (more > whole) == (levels > 1)
