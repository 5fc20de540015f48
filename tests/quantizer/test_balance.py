"""Usage averages, re-initialised codes, and the loss-free bias."""

import numpy as np
import pytest
import torch

from sidflow.quantizer.balance import DECAY, Usage, adjust_bias, revive


def used(shares: list[float]) -> Usage:
    """A usage average with given shares."""
    usage = Usage(len(shares))
    usage.shares = torch.tensor(shares)
    return usage


def stepped(codebook: torch.nn.Parameter) -> torch.optim.Optimizer:
    """An optimiser that has taken one step, so that it has moments."""
    optimizer = torch.optim.AdamW([codebook], lr=0.0)
    codebook.square().sum().backward()
    optimizer.step()
    return optimizer


def test_usage_averages_batches() -> None:
    """From even shares towards the batch's."""
    usage = Usage(2)
    usage.update(torch.tensor([0, 0, 0, 1]), torch.tensor([1.0, 2.0, 3.0, 2.0]))
    assert usage.shares.tolist() == pytest.approx([DECAY * 0.5 + (1 - DECAY) * 0.75, DECAY * 0.5 + (1 - DECAY) * 0.25])
    assert usage.scale.item() == 2
    usage.update(torch.tensor([0]), torch.tensor([4.0]))
    assert usage.scale.item() == pytest.approx(DECAY * 2 + (1 - DECAY) * 4)


def test_perplexity_is_the_effective_share() -> None:
    """Even over half the codes is one half."""
    assert used([0.25] * 4).perplexity() == pytest.approx(1)
    assert used([0.5, 0.5, 0, 0]).perplexity() == pytest.approx(0.5)


def test_gate_closes_at_the_target() -> None:
    """No balancing at or above the target; a linear rise below it."""
    assert used([0.25] * 4).gate(0.85) == 0
    assert used([0.5, 0.5, 0, 0]).gate(0.8) == pytest.approx(1 - 0.5 / 0.8)


def test_rare_codes_move_to_badly_served_residuals() -> None:
    """Only the residual far from every code can be drawn; the others' distance is zero."""
    codebook = torch.nn.Parameter(torch.tensor([[0.0], [1.0], [2.0], [50.0]]))
    usage = used([0.4, 0.3, 0.29, 0.01])
    residuals = torch.tensor([[0.0], [1.0], [2.0], [9.0]])
    moved = revive(codebook, usage, residuals, 0.1, stepped(codebook), np.random.default_rng(0))
    assert moved.tolist() == [3]
    assert codebook.flatten().tolist() == [0, 1, 2, 9]
    assert usage.shares.sum().item() == pytest.approx(1)
    assert usage.shares[3].item() == pytest.approx(0.25 / 1.24)


def test_moved_rows_lose_their_moments() -> None:
    """Optimiser state of the moved row is zero; the others keep theirs."""
    codebook = torch.nn.Parameter(torch.tensor([[1.0], [2.0], [3.0], [50.0]]))
    optimizer = stepped(codebook)
    revive(codebook, used([0.4, 0.3, 0.29, 0.01]), torch.tensor([[9.0]]), 0.1, optimizer, np.random.default_rng(0))
    for name in ("exp_avg", "exp_avg_sq"):
        moments = optimizer.state[codebook][name].flatten()
        assert moments[3] == 0 and (moments[:3] > 0).all()


def test_at_most_a_quarter_moves_at_once() -> None:
    """Six of eight codes are idle; two move, the least used."""
    codebook = torch.nn.Parameter(torch.arange(8.0)[:, None])
    usage = used([0.5, 0.5, 0.001, 0.0, 0.002, 0.0, 0.003, 0.004])
    residuals = torch.linspace(20, 30, 10)[:, None]
    assert revive(codebook, usage, residuals, 0.1, stepped(codebook), np.random.default_rng(0)).tolist() == [3, 5]
    assert [k for k in range(8) if codebook[k].item() != k] == [3, 5]


def test_busy_codes_stay() -> None:
    """Nothing below the threshold, nothing moved."""
    codebook = torch.nn.Parameter(torch.tensor([[0.0], [1.0]]))
    residuals = torch.tensor([[7.0]])
    assert not len(revive(codebook, used([0.9, 0.1]), residuals, 0.1, stepped(codebook), np.random.default_rng(0)))
    assert codebook.flatten().tolist() == [0, 1]


def test_nothing_to_serve_better_moves_nothing() -> None:
    """All residuals lie on code vectors (duplicates of one item, say)."""
    codebook = torch.nn.Parameter(torch.tensor([[0.0], [1.0]]))
    residuals = torch.tensor([[0.0], [0.0]])
    assert not len(revive(codebook, used([1.0, 0.0]), residuals, 0.1, stepped(codebook), np.random.default_rng(0)))


def test_bias_pushes_crowded_codes_away() -> None:
    """Steps of rate x scale; a code at its fair share stays."""
    usage, bias = used([0.5, 0.25, 0.25, 0.0]), torch.zeros(4)
    usage.scale = torch.tensor(2.0)
    adjust_bias(bias, usage, 0.01)
    assert bias.tolist() == pytest.approx([0.02, 0, 0, -0.02])
