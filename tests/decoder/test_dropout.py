"""Dropout by bytes."""

import pytest
import torch

from sidflow.decoder.dropout import Dropout


def test_rate_mean_and_gradient() -> None:
    """A quarter is zero, the rest is scaled so that the mean stays, and gradients take the same mask."""
    torch.manual_seed(0)
    values = torch.ones(1000, 101, requires_grad=True)
    dropped = Dropout(0.25)(values)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.005)
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    dropped.sum().backward()
    assert values.grad is not None and torch.equal(values.grad, dropped.detach())


def test_every_byte_of_a_number_is_fair() -> None:
    """No position among the eight of a 64-bit number is dropped more often than another."""
    torch.manual_seed(0)
    shares = (Dropout(0.5)(torch.ones(20_000, 8)) == 0).float().mean(0)
    assert shares.tolist() == pytest.approx([0.5] * 8, abs=0.02)


def test_evaluation_and_rate_zero_change_nothing() -> None:
    """The same tensor comes back."""
    values = torch.ones(3)
    assert Dropout(0.5).eval()(values) is values
    assert Dropout(0.0)(values) is values


def test_the_highest_rate_keeps_something() -> None:
    """What rounds to all leaves 1/256, and the mean stays."""
    torch.manual_seed(0)
    dropped = Dropout(0.999)(torch.ones(1000, 1000))
    assert (dropped != 0).float().mean().item() == pytest.approx(1 / 256, rel=0.05)
    assert dropped.unique().tolist() == [0, 256]


def test_follows_the_seed() -> None:
    """The same state of torch's generator, the same mask."""
    masks = []
    for _ in range(2):
        torch.manual_seed(7)
        masks.append(Dropout(0.5)(torch.ones(50)))
    assert torch.equal(*masks)
