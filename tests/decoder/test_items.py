"""Item vectors: what they are made of, and when an item's own part counts."""

import pytest
import torch

from sidflow.decoder.items import ItemEncoder

CODES = torch.tensor([[0, 1], [1, 0], [1, 1]])
CONTENT = torch.eye(3, 4)


def encoder(item_dropout: float) -> ItemEncoder:
    """Three items of which the last has no training events."""
    torch.manual_seed(0)
    made = ItemEncoder((2, 2), 3, 4, 8, 0.0, item_dropout)
    made.known[:2] = True
    return made


def vectors(made: ItemEncoder) -> torch.Tensor:
    """Of all three."""
    return made(torch.arange(3), CODES, CONTENT)


@pytest.mark.parametrize("training", [True, False])
def test_own_vectors_count_for_items_with_a_past(training: bool) -> None:
    """For those alone, in training and at inference."""
    made = encoder(0.5).train(training)
    with_own = vectors(made)
    torch.nn.init.zeros_(made.own.weight)
    assert (with_own != vectors(made)).all(1).tolist() == [True, True, False]


@pytest.mark.parametrize("training", [True, False])
def test_own_vectors_that_are_always_forgotten_are_never_read(training: bool) -> None:
    """Nothing teaches them, so at inference they would be noise."""
    made = encoder(1.0).train(training)
    without = vectors(made)
    assert torch.equal(made.forget_own(without, torch.arange(3)), without)
    torch.nn.init.zeros_(made.own.weight)
    assert torch.equal(without, vectors(made))


def test_own_vectors_are_forgotten_by_chance_in_training() -> None:
    """At the rate that was asked for, and where there is one; at inference never."""
    made = encoder(0.25).train()
    items = torch.arange(3).repeat(4000)
    whole = vectors(made)[items]
    forgotten = (made.forget_own(whole, items) != whole).any(1)
    assert forgotten[items == 2].sum() == 0
    assert forgotten[items < 2].float().mean().item() == pytest.approx(0.25, abs=0.02)
    assert made.eval().forget_own(whole, items) is whole
