"""The network: residual quantisation, gradients through it, and its way to arrays and back."""

import numpy as np
import pytest
import torch

from sidflow.quantizer.model import RqVae, rotate, straight_through


def model(**changes: int) -> RqVae:
    """A 6-5-2 network with two levels of 4 and 3 codes, codebooks by hand."""
    network = RqVae((6, 5, 2), (4, 3), seed=0)
    network.set_codebooks(
        [
            np.array([[0, 0], [4, 0], [0, 4], [4, 4]], np.float32),
            np.array([[0, 0], [1, 0], [0, 1]], np.float32),
        ]
    )
    return network


def test_quantise_by_hand() -> None:
    """Codes, residuals, vectors and errors of one latent near (4, 0) + (1, 0)."""
    quantised = model().quantise(torch.tensor([[5.1, 0.2]]))
    assert quantised.codes.tolist() == [[1, 1]]
    assert quantised.residuals[1].tolist() == [pytest.approx([1.1, 0.2])]
    assert quantised.total().tolist() == [[5, 0]]
    assert [error.item() for error in quantised.errors()] == pytest.approx([1.1**2 + 0.2**2, 0.1**2 + 0.2**2])


def test_total_of_kept_levels() -> None:
    """A mask per item and level."""
    quantised = model().quantise(torch.tensor([[5.1, 0.2], [5.1, 0.2]]))
    assert quantised.total(torch.tensor([[True, False], [True, True]])).tolist() == [[4, 0], [5, 0]]


def test_first_cuts_the_batch() -> None:
    """The pairs' rows are the first ones."""
    part = model().quantise(torch.tensor([[5.1, 0.2], [0.0, 0.0], [4.0, 4.0]])).first(2)
    assert part.codes.tolist() == [[1, 1], [0, 0]] and len(part.scores[1]) == 2


def test_scores_are_squared_distances_less_a_constant() -> None:
    """Adding the residual's own square gives distances."""
    latents = torch.tensor([[5.1, 0.2]])
    scores = model().quantise(latents).scores[0] + latents.square().sum()
    assert scores.tolist() == [pytest.approx([26.05, 1.25, 40.45, 15.65], abs=1e-4)]


def test_biases_steer_the_choice_but_not_the_scores() -> None:
    """A bias of 30 sends the item to another corner."""
    network = model()
    network.biases[0][1] = 30
    assert network.quantise(torch.tensor([[5.1, 0.2]])).codes[0, 0] == 3


def test_straight_through_has_the_latents_gradient() -> None:
    """The value is the quantised one; the gradient passes unchanged."""
    latents, quantised = torch.tensor([[1.0, 2.0]], requires_grad=True), torch.tensor([[3.0, 0.0]])
    passed = straight_through(latents, quantised)
    (passed * torch.tensor([[5.0, 7.0]])).sum().backward()
    assert passed.tolist() == [[3, 0]]
    assert latents.grad is not None and latents.grad.tolist() == [[5, 7]]


def test_rotation_turns_the_gradient_too() -> None:
    """(1, 0) to (0, 2) is a quarter turn and a doubling; its transpose maps the gradient (5, 7) to (14, -10)."""
    latents = torch.tensor([[1.0, 0.0]], requires_grad=True)
    passed = rotate(latents, torch.tensor([[0.0, 2.0]]))
    (passed * torch.tensor([[5.0, 7.0]])).sum().backward()
    assert passed.tolist() == [pytest.approx([0, 2], abs=1e-6)]
    assert latents.grad is not None and latents.grad.tolist() == [pytest.approx([14, -10], abs=1e-5)]


def test_rotation_of_a_zero_latent_goes_straight_through() -> None:
    """No direction, no NaN: the value is the quantised one, and the gradient passes unchanged."""
    latents = torch.zeros(1, 2, requires_grad=True)
    passed = rotate(latents, torch.tensor([[1.0, 2.0]]))
    (passed * torch.tensor([[5.0, 7.0]])).sum().backward()
    assert passed.tolist() == [[1, 2]]
    assert latents.grad is not None and latents.grad.tolist() == [[5, 7]]


def test_export_encodes_like_the_network() -> None:
    """Arrays and network agree, and the exported arrays are the caller's own."""
    network = model()
    quantizer = network.export(np.zeros(6, np.float32))
    units = torch.nn.functional.normalize(torch.randn(9, 6, generator=torch.Generator().manual_seed(1)), dim=1)
    assert quantizer.encode(units.numpy()) == pytest.approx(network.encoder(units).detach().numpy(), abs=1e-6)
    network.set_codebooks([np.ones((4, 2), np.float32), np.ones((3, 2), np.float32)])
    assert quantizer.codebooks[0].tolist() == [[0, 0], [4, 0], [0, 4], [4, 4]]


def test_load_continues_from_an_export() -> None:
    """Encoder, codebooks and biases come back; the decoder is the new network's own."""
    source = model()
    source.biases[1][2] = 5
    other = RqVae((6, 5, 2), (4, 3), seed=1)
    decoder = other.decoder[0].weight.clone()
    other.load(source.export(np.zeros(6, np.float32)))
    assert torch.equal(other.encoder[0].weight, source.encoder[0].weight)
    assert torch.equal(other.codebooks[1], source.codebooks[1]) and other.biases[1][2] == 5
    assert torch.equal(other.decoder[0].weight, decoder)


def test_weights_follow_the_seed_and_leave_the_global_state() -> None:
    """Same seed, same weights; torch's own generator is not touched."""
    before = torch.random.get_rng_state()
    a, b, c = (RqVae((6, 5, 2), (4,), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(a.encoder[0].weight, b.encoder[0].weight)
    assert not torch.equal(a.encoder[0].weight, c.encoder[0].weight)
    assert torch.equal(before, torch.random.get_rng_state())
