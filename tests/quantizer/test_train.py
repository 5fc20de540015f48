"""The training loop: deterministic, able to learn, able to continue."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sidflow.errors import TrainingDiverged
from sidflow.quantizer.baselines import mean_vector
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.sampling import PairSampler
from sidflow.quantizer.sharing import cohesion
from sidflow.quantizer.train import Trained, train_rq_vae
from tests.quantizer.samples import clustered, config, linked

VECTORS = clustered()
MEAN = mean_vector(VECTORS)
# item k of an even topic belongs with item k + 1, which is of the next topic: content alone would not tell
ENDS = [(k, k + 1) for k in range(0, 200, 2)]


def train(pairs: bool = False, initial: Quantizer | None = None, **changes: object) -> Trained:
    """A fit of the small catalogue."""
    sampler = PairSampler(linked(ENDS), len(VECTORS)) if pairs else None
    return train_rq_vae(VECTORS, MEAN, sampler, config(**changes), initial)


def arrays(quantizer: Quantizer) -> list[np.ndarray]:
    """All that was learned."""
    return [*(part for layer in quantizer.layers for part in layer), *quantizer.codebooks, *quantizer.biases]


def codes(quantizer: Quantizer) -> np.ndarray:
    """The catalogue's codes."""
    return quantizer.assign(quantizer.encode(VECTORS))


@pytest.mark.parametrize("balance", ["none", "switch", "bias"])
def test_same_seed_same_bits(balance: str) -> None:
    """Two fits, whatever torch's global generator does in between."""
    first = train(pairs=True, balance=balance)
    torch.rand(3)
    second = train(pairs=True, balance=balance)
    assert all(np.array_equal(a, b) for a, b in zip(arrays(first[0]), arrays(second[0]), strict=True))
    assert first[1:] == second[1:]


def test_another_seed_another_quantiser() -> None:
    """The seed reaches the weights."""
    assert not np.array_equal(train()[0].codebooks[0], train(seed=1)[0].codebooks[0])


def test_global_random_states_are_left_alone() -> None:
    """Neither torch's nor numpy's."""
    before, numpy_before = torch.random.get_rng_state(), np.random.get_state()[1]
    train(pairs=True)
    assert torch.equal(before, torch.random.get_rng_state())
    assert np.array_equal(numpy_before, np.random.get_state()[1])


def test_it_learns_to_reconstruct() -> None:
    """The joint loss falls to a fraction of the variance."""
    curve = train(steps=150, lr=5e-3)[1]
    assert curve[-1]["reconstruction"] < 0.35


def test_overfits_32_items() -> None:
    """32 items over 8 x 32 codes become distinct and are reconstructed."""
    vectors = clustered(32)
    quantizer, curve, *_ = train_rq_vae(vectors, mean_vector(vectors), None, config(steps=300, lr=5e-3, hidden=(64,)))
    assert curve[-1]["reconstruction"] < 0.1
    assert len(np.unique(quantizer.assign(quantizer.encode(vectors)), axis=0)) > 28


def test_pairs_bring_partners_together() -> None:
    """Partners of different topics share first codes far more often than without pairs."""
    left, right = np.array(ENDS).T
    with_pairs, without = (
        cohesion(codes(train(pairs=each, steps=150, lr=5e-3, collaborative=2.0, batch_pairs=64)[0]), left, right)[0][
            "share"
        ]
        for each in (True, False)
    )
    assert without < 0.2
    assert with_pairs > without + 0.3


def test_the_reconstruction_is_of_what_is_kept() -> None:
    """The whole catalogue, with the final codebooks: near the last batch's, worse with fewer codes."""
    fit = train(steps=150, lr=5e-3)
    assert fit.reconstruction == pytest.approx(fit.curve[-1]["reconstruction"], rel=0.3)
    assert train(steps=150, lr=5e-3, codebooks=(4,)).reconstruction > fit.reconstruction + 0.1


def test_a_code_that_moves_forgets_its_bias() -> None:
    """As if it had just been initialised: dead for long, it had become the nearest of all by its bias."""
    options = {"balance": "bias", "balance_perplexity": 1.0, "balance_weight": 0.3, "revive_every": 30}
    fit = train(**options, revive_below=0.99, revive_until=1.0, codebooks=(16,))
    assert fit.revived[0] > 0
    assert (fit.quantizer.biases[0] == 0).sum() == fit.revived[0]
    assert train(**options, revive_until=0.0, codebooks=(16,)).quantizer.biases[0].all()


def test_the_curve_names_losses_and_perplexity() -> None:
    """At most fifty points or so, the last at the last step."""
    curve = train(pairs=True, steps=120)[1]
    assert curve[-1]["step"] == 120 and len(curve) == 60
    assert {"reconstruction", "quantisation", "collaborative", "balance", "perplexity"} < set(curve[0])
    assert all(0 < share <= 1 for share in curve[-1]["perplexity"])


def test_progress_counts_every_step() -> None:
    """Warm-up and joint steps, in order, up to the total."""
    seen: list[tuple[int, int]] = []
    train_rq_vae(VECTORS, MEAN, None, config(), on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(step, 40) for step in range(1, 41)]


def test_revival_fills_a_codebook_that_starts_dead() -> None:
    """From a start where one code serves all, re-initialisation puts the codes to use."""
    start = train()[0]
    far = [np.full_like(book, 100) for book in start.codebooks]
    for book in far:
        book[0] = 0
    dead = replace(start, codebooks=tuple(far))
    assert len(np.unique(codes(dead)[:, 0])) == 1
    options = {
        "initial": dead,
        "warm_steps": 1.0,
        "steps": 60,
        "revive_until": 1.0,
        "lloyd_passes": 0,
        "balance": "none",
    }
    revived, _, counts, *_ = train(**options)
    idle, _, none, *_ = train(**options, revive_every=0)
    assert min(counts) > 0 and none == [0, 0]
    assert len(np.unique(codes(idle)[:, 0])) == 1
    assert len(np.unique(codes(revived)[:, 0])) >= 6


def test_revival_stops_early_enough_for_codes_to_settle() -> None:
    """With revive_until 0 no step is early enough."""
    assert train(revive_until=0.0, revive_below=0.99)[2] == [0, 0]
    assert sum(train(revive_until=1.0, revive_below=0.99)[2]) > 0


def test_the_bias_is_kept_for_assignment() -> None:
    """Loss-free balance stores its biases; the other kinds store zeros."""
    assert any(bias.any() for bias in train(balance="bias", balance_perplexity=1.0)[0].biases)
    assert not any(bias.any() for bias in train(balance="switch")[0].biases)


@pytest.mark.parametrize(
    "changes", [{"gradient": "rotation"}, {"progressive_masking": True}, {"collaborative_prefix": 0.0}]
)
def test_every_variant_trains(changes: dict[str, object]) -> None:
    """Another variant is another fit, and a finite one."""
    plain, variant = train(pairs=True)[0], train(pairs=True, **changes)[0]
    assert all(np.isfinite(array).all() for array in arrays(variant))
    assert not np.array_equal(plain.layers[0][0], variant.layers[0][0])


def test_unequal_codebooks_and_a_linear_encoder() -> None:
    """Any sizes, any depth."""
    quantizer = train(codebooks=(16, 4, 8), hidden=())[0]
    assert quantizer.sizes == (16, 4, 8) and len(quantizer.layers) == 1


def test_a_warm_start_moves_fewer_items_than_a_cold_one() -> None:
    """Encoder and codebooks continue: most items keep their codes, which a refit from scratch renames."""
    first = train(steps=100)[0]
    warm, curve, *_ = train(steps=100, initial=first)
    cold = train(steps=100, seed=1)[0]
    kept = (codes(warm) == codes(first)).all(1).mean()
    assert curve[-1]["step"] == 30
    assert kept > 0.5 > 5 * (codes(cold) == codes(first)).all(1).mean()


def test_a_warm_start_trains_the_new_decoder_before_it_moves_anything() -> None:
    """Without joint learning to speak of, the encoder is the previous one."""
    first = train()[0]
    again = train(initial=first, warm_lr=1e-9, lloyd_passes=0, revive_every=0)[0]
    assert all(a == pytest.approx(b, abs=1e-5) for a, b in zip(arrays(first), arrays(again), strict=True))


def test_divergence_is_named() -> None:
    """A learning rate far too high ends in TrainingDiverged, not in NaN codes."""
    with pytest.raises(TrainingDiverged, match=r"loss (became|rose to) .* at step"):
        train(lr=1e3, steps=50)


def test_codebooks_may_start_at_random() -> None:
    """A plain RQ-VAE: without k-means, revival, balance and Lloyd passes, most of the first codes stay unused."""
    plain = {"revive_every": 0, "balance": "none", "lloyd_passes": 0, "codebooks": (64, 64), "warmup_steps": 0}
    at_random, on_data = (codes(train(init=each, **plain)[0]) for each in ("random", "k-means++"))
    assert len(np.unique(at_random[:, 0])) < 16 < len(np.unique(on_data[:, 0]))


def test_the_collaborative_weight_ramps() -> None:
    """A ramp over all steps and none at all are other fits; without pairs the ramp is nothing."""
    a, b = (train(pairs=True, collaborative_ramp=each)[0].layers[0][0] for each in (0.0, 1.0))
    assert not np.array_equal(a, b)
    a, b = (train(collaborative_ramp=each)[0].layers[0][0] for each in (0.0, 1.0))
    assert np.array_equal(a, b)


def test_an_anchor_holds_items_in_place() -> None:
    """A refit without one goes on learning and moves latents; a strong one keeps them, on unseen pairs too."""
    first = train(steps=60)[0]
    latents = first.encode(VECTORS)
    free, held = (
        np.square(train(pairs=True, initial=first, steps=200, warm_anchor=each)[0].encode(VECTORS) - latents).mean()
        for each in (0.0, 30.0)
    )
    assert held < free / 5


def test_the_anchor_is_of_warm_starts_alone() -> None:
    """A cold fit has no earlier places; the curve of a warm one tells how far latents have moved."""
    first = train()
    assert "anchor" not in first.curve[-1]
    warm = train(initial=first[0])
    assert 0 < warm.curve[-1]["anchor"] < 1
    assert "anchor" not in train(initial=first[0], warm_anchor=0.0).curve[-1]
