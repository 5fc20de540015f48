"""Each loss by hand, and where its gradient goes."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.quantizer.losses import (
    anchor_loss,
    collaborative_loss,
    quantisation_loss,
    reconstruction_loss,
    switch_loss,
)


def test_reconstruction_is_one_at_the_mean_and_zero_when_perfect() -> None:
    """The inputs are centred unit vectors: their mean square is their variance."""
    inputs = torch.nn.functional.normalize(torch.randn(50, 7, generator=torch.Generator().manual_seed(0)), dim=1)
    assert reconstruction_loss(inputs, torch.zeros(50, 7)).item() == pytest.approx(1)
    assert reconstruction_loss(inputs, inputs).item() == 0


def test_quantisation_by_hand() -> None:
    """Mean squares 2.5 and 0.5 over two levels; the commitment adds its share of each."""
    residuals = (torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0]]))
    vectors = (torch.zeros(1, 2), torch.zeros(1, 2))
    assert quantisation_loss(residuals, vectors, 0.25).item() == pytest.approx(3 * 1.25)


def test_commitment_moves_the_encoder_and_the_rest_the_codebook() -> None:
    """Each term stops the other's gradient."""
    residual, vector = torch.tensor([[2.0]], requires_grad=True), torch.tensor([[0.0]], requires_grad=True)
    quantisation_loss((residual,), (vector,), 0.25).backward()
    assert residual.grad is not None and residual.grad.item() == pytest.approx(0.25 * 4)
    assert vector.grad is not None and vector.grad.item() == pytest.approx(-4)


def test_collaborative_by_hand() -> None:
    """Two pairs along two axes: cosine 1 to the partner and 0 to both others, at temperature 1."""
    quantised = torch.tensor([[2.0, 0], [0, 3.0], [1.0, 0], [0, 0.5]])
    loss = collaborative_loss(quantised, torch.ones(2), torch.eye(4, dtype=torch.bool), temperature=1.0)
    assert loss.item() == pytest.approx(-math.log(math.e / (math.e + 2)))


def test_excluded_items_are_no_negatives() -> None:
    """With every other item excluded only the partner is left, and nothing can be wrong."""
    quantised = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    loss = collaborative_loss(quantised, torch.ones(3), torch.ones(6, 6, dtype=torch.bool), temperature=0.1)
    assert loss.item() == pytest.approx(0, abs=1e-6)


def test_weights_count_pairs() -> None:
    """A pair of weight zero changes nothing but its items' place among the negatives."""
    quantised = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    own = torch.eye(4, dtype=torch.bool)
    first, second = (collaborative_loss(quantised, torch.tensor(w), own, 0.5) for w in ([1.0, 0.0], [0.0, 1.0]))
    both = collaborative_loss(quantised, torch.tensor([3.0, 1.0]), own, 0.5)
    assert both.item() == pytest.approx(0.75 * first.item() + 0.25 * second.item())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 5), st.floats(0.05, 2))
def test_collaborative_equals_a_double_loop(seed: int, pairs: int, temperature: float) -> None:
    """Against the formula written out in float64."""
    rng = np.random.default_rng(seed)
    rows, weights = rng.standard_normal((2 * pairs, 3)), rng.random(pairs) + 0.1
    excluded = (rng.random((2 * pairs, 2 * pairs)) < 0.2) | np.eye(2 * pairs, dtype=bool)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    total = 0.0
    for i in range(2 * pairs):
        partner = (i + pairs) % (2 * pairs)
        others = [j for j in range(2 * pairs) if j == partner or not excluded[i, j]]
        mass = sum(math.exp(unit[i] @ unit[j] / temperature) for j in others)
        total -= weights[i % pairs] * (unit[i] @ unit[partner] / temperature - math.log(mass))
    tensors = torch.tensor(rows), torch.tensor(weights), torch.tensor(excluded)
    assert collaborative_loss(*tensors, temperature).item() == pytest.approx(total / (2 * weights.sum()), abs=1e-6)


def test_switch_is_one_when_even_and_k_when_collapsed() -> None:
    """K sum f P."""
    even = torch.full((4,), 0.25)
    assert switch_loss(torch.zeros(10, 4), even, torch.tensor(1.0)).item() == pytest.approx(1)
    one = torch.tensor([1.0, 0, 0, 0])
    far = torch.tensor([[0.0, 100, 100, 100]]).repeat(10, 1)
    assert switch_loss(far, one, torch.tensor(1.0)).item() == pytest.approx(4)


def test_switch_pushes_items_off_crowded_codes() -> None:
    """The gradient lowers the score (distance) of the idle code and raises that of the crowded one."""
    scores = torch.zeros(5, 2, requires_grad=True)
    switch_loss(scores, torch.tensor([0.9, 0.1]), torch.tensor(1.0)).backward()
    assert scores.grad is not None and (scores.grad[:, 0] < 0).all() and (scores.grad[:, 1] > 0).all()


def test_the_anchor_by_hand() -> None:
    """Places of variance 1; one of two moved by 1: half of the variance. Its gradient is the latents' alone."""
    latents, before = torch.tensor([[1.0], [2.0]], requires_grad=True), torch.tensor([[0.0], [2.0]])
    loss = anchor_loss(latents, before)
    loss.backward()
    assert loss.item() == pytest.approx(0.5)
    assert latents.grad is not None and latents.grad.tolist() == [[1], [0]]
    assert anchor_loss(before, before).item() == 0


def test_switch_is_scale_free() -> None:
    """Distances and their typical size may be in any unit."""
    scores, usage = torch.rand(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0.5, 0.3, 0.2])
    small = switch_loss(scores, usage, torch.tensor(0.5)).item()
    assert switch_loss(1e4 * scores, usage, torch.tensor(5e3)).item() == pytest.approx(small)
