"""Losses against torch's own."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from sidflow.decoder.candidates import draw_candidates
from sidflow.decoder.loss import ROWS, dense_loss, level_loss


@pytest.mark.parametrize("weighted", [False, True])
def test_dense_loss_and_gradients_equal_cross_entropy(weighted: bool) -> None:
    """Slice by slice gives what one product and one cross-entropy give."""
    torch.manual_seed(0)
    states = torch.randn(2 * ROWS + 3, 8, requires_grad=True)
    items = torch.randn(11, 8, requires_grad=True)
    targets = torch.randint(11, (len(states),))
    weights = torch.randn(11) if weighted else None
    expected = functional.cross_entropy(states @ items.T + (0 if weights is None else weights), targets)
    gradients = torch.autograd.grad(expected, (states, items))
    ours = dense_loss(states, items, targets, weights)
    assert ours.item() == pytest.approx(expected.item(), rel=1e-5)
    for got, want in zip(torch.autograd.grad(3 * ours, (states, items)), gradients, strict=True):
        torch.testing.assert_close(got, 3 * want, rtol=1e-4, atol=1e-6)


def test_dense_loss_in_bfloat16_is_close() -> None:
    """Autocast costs less than one per cent of the loss."""
    torch.manual_seed(0)
    states, items, targets = torch.randn(50, 16), torch.randn(30, 16), torch.randint(30, (50,))
    exact = dense_loss(states, items, targets, None)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = dense_loss(states, items, targets, None)
    assert rounded.dtype == torch.float32
    assert rounded.item() == pytest.approx(exact.item(), rel=0.01)


@pytest.mark.parametrize("precision", [None, torch.bfloat16])
def test_dense_loss_is_exact_where_shares_vanish(precision: torch.dtype | None) -> None:
    """Targets 1,000 nats below the best, beside ordinary ones, in several slices: torch's own loss and gradients."""
    torch.manual_seed(0)
    states = torch.ones(ROWS + 5, 1)
    states[: ROWS + 2 : 3] *= 1000.0
    states.requires_grad_()
    items = torch.tensor([[1.0], [0.5], [0.0]], requires_grad=True)
    targets = torch.randint(3, (len(states),))
    expected = functional.cross_entropy(states @ items.T, targets)
    wanted = torch.autograd.grad(expected, (states, items))
    with torch.autocast("cpu", dtype=precision, enabled=precision is not None):
        ours = dense_loss(states, items, targets, None)
    assert expected.item() > 100
    assert ours.item() == pytest.approx(expected.item(), rel=1e-6 if precision is None else 0.01)
    for got, want in zip(torch.autograd.grad(ours, (states, items)), wanted, strict=True):
        torch.testing.assert_close(
            got, want, rtol=1e-5 if precision is None else 0.02, atol=1e-6 if precision is None else 0.01
        )


def test_ordinary_dense_losses_keep_their_bits() -> None:
    """Where no share vanishes the loss is the sum of the shares' logarithms, slice by slice, to the last bit."""
    torch.manual_seed(0)
    states, items, targets = torch.randn(300, 8), 3 * torch.randn(50, 8), torch.randint(50, (300,))
    expected = torch.zeros(())
    for rows, right in zip(states.split(ROWS), targets.split(ROWS), strict=True):
        expected -= (rows @ items.T).softmax(-1).gather(1, right[:, None]).log().sum()
    assert torch.equal(dense_loss(states, items, targets, None), expected / 300)


def test_level_loss_is_the_mean_over_levels() -> None:
    """Uniform logits cost the logarithm of each level's size."""
    logits = [torch.zeros(3, 4), torch.zeros(3, 16)]
    codes = torch.tensor([[0, 3], [1, 5], [2, 15]])
    assert level_loss(logits, codes, 0.0).item() == pytest.approx((np.log(4) + np.log(16)) / 2)


def test_all_trained_items_where_they_fit() -> None:
    """A small catalogue is compared as a whole, each item standing for itself."""
    candidates = draw_candidates(np.array([2, 5]), np.array([1, 2, 5, 7]), 10, np.random.default_rng(0))
    assert candidates.items.tolist() == [1, 2, 5, 7]
    assert candidates.log_weights is not None and np.allclose(candidates.log_weights, 0)
    assert candidates.places(np.array([7, 1])).tolist() == [3, 0]


def test_drawn_candidates_estimate_the_whole_sum() -> None:
    """Averaged over draws, the weighted sum over candidates is the sum over all trained items."""
    rng = np.random.default_rng(0)
    values, own = rng.random(200), np.array([3, 50, 199])
    sums = []
    for _ in range(2_000):
        candidates = draw_candidates(own, np.arange(200), 20, rng)
        assert np.isin(own, candidates.items).all() and len(candidates.items) == 20
        assert candidates.log_weights is not None
        sums.append((values[candidates.items] * np.exp(candidates.log_weights)).sum())
    assert np.mean(sums) == pytest.approx(values.sum(), rel=0.02)


def test_own_items_alone_where_the_limit_is_small() -> None:
    """A batch with more items than the limit compares its own."""
    candidates = draw_candidates(np.array([1, 2, 3]), np.arange(9), 0, np.random.default_rng(0))
    assert candidates.items.tolist() == [1, 2, 3] and candidates.log_weights is None


@pytest.mark.parametrize(("own", "drawn", "stands_for"), [(10, 30, 3.0), (38, 4, 15.5), (60, 4, 10.0), (98, 2, 1.0)])
def test_others_are_drawn_however_large_the_batch_is(own: int, drawn: int, stands_for: float) -> None:
    """Up to 40 candidates of 100 items; a batch that has nearly as many, or more, is joined by four, or by all left."""
    candidates = draw_candidates(np.arange(own), np.arange(100), 40, np.random.default_rng(0))
    assert len(candidates.items) == own + drawn and candidates.log_weights is not None
    assert np.exp(candidates.log_weights) == pytest.approx([1.0] * own + [stands_for] * drawn)
