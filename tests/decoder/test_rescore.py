"""Weights for what stands in the beam: fitted by likelihood, never worse than none, bound to the decoder."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sidflow.config.learning import PairsConfig
from sidflow.dataset.build import Dataset
from sidflow.decoder.calibrate import collect_beams, fit_rescorer
from sidflow.decoder.cold import Search
from sidflow.decoder.files import load_decoder, save_decoder
from sidflow.decoder.memory import Rescorer, build_memory
from sidflow.decoder.ranking import encode_contexts, measured_contexts, rank_contexts, validation_contexts
from sidflow.decoder.rescore import FEATURES, Beams, beam_features, fit_weights, make_rescore
from sidflow.decoder.search import beam_search
from sidflow.decoder.trie import build_trie
from sidflow.pairs.mine import mine_pairs
from tests.decoder.test_memory import pairs_of, whole
from tests.decoder.worlds import histories_by_hand, planted_dataset, random_decoder, sids_of


def beams(users: int, tells: int, width: int = 6, noise: float = 0.0) -> Beams:
    """Random features; the target stands where feature `tells` is largest, but for a share of `noise`."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((users, width, len(FEATURES))).astype(np.float32)
    targets = features[:, :, tells].argmax(1)
    targets = np.where(rng.random(users) < noise, rng.integers(0, width, users), targets)
    return Beams(features, np.ones((users, width), bool), targets)


def test_the_feature_that_tells_gets_the_weight():
    """Of eight features the targets follow one."""
    weights, facts = fit_weights(beams(400, tells=FEATURES.index("seen"), noise=0.2), dense_share=0.5)
    assert np.argmax(np.abs(weights)) == FEATURES.index("seen") and weights[FEATURES.index("seen")] > 1
    assert facts["ndcg@10_after"] > facts["ndcg@10_before"] + 0.1
    assert facts["weights"]["seen"] == round(float(weights[FEATURES.index("seen")]), 4)


def test_what_does_not_help_is_not_used():
    """Targets at random: the decoder's own score stays."""
    weights, facts = fit_weights(beams(60, tells=0, noise=1.0)._replace(targets=np.zeros(60, np.int64)), 0.25)
    tied = beams(60, 0)._replace(features=np.ones((60, 6, len(FEATURES)), np.float32), targets=np.zeros(60, np.int64))
    kept, _ = fit_weights(tied, 0.25)
    assert kept.tolist() == [0.75, 0.25, 0, 0, 0, 0, 0, 0]
    assert facts["ndcg@10_after"] <= facts["ndcg@10_before"] or weights.tolist() != kept.tolist()


@pytest.mark.parametrize("users", [0, 1, 2])
def test_few_users_say_little(users: int):
    """Without validation users, or with hardly any, weights stay near the decoder's own."""
    weights, facts = fit_weights(beams(users, tells=7), dense_share=0.5)
    assert np.abs(weights - [0.5, 0.5, 0, 0, 0, 0, 0, 0]).max() < 1.0 and facts["users"] == users
    assert (facts["ndcg@10_after"] is None) == (users < 2)  # two halves measure each other


def test_targets_out_of_reach_say_nothing():
    """A beam without its target counts as a miss before and after."""
    found = beams(50, tells=2)
    nothing = Beams(found.features[:0], found.found[:0], np.full(50, -1))
    weights, facts = fit_weights(nothing, dense_share=0.5)
    assert weights[:2].tolist() == [0.5, 0.5] and facts["users_reached"] == 0 and facts["ndcg@10_after"] == 0
    half = beams(200, tells=2)
    missed = Beams(half.features, half.found, np.insert(half.targets, np.arange(200), -1))
    (one, of_all), (two, of_half) = fit_weights(half, 0.5), fit_weights(missed, 0.5)
    assert one.tolist() == two.tolist() and of_half["users"] == 400 and of_half["users_reached"] == 200
    assert of_half["ndcg@10_before"] == pytest.approx(of_all["ndcg@10_before"] / 2)


def test_features_of_a_beam():
    """Codes and dense logit first, the memory's next, the largest cosine to the newest items last."""
    memory = build_memory(whole([[0, 1]]), pairs_of([]))
    vectors = np.eye(6, dtype=np.float32)
    vectors[2] = [0.6, 0.8, 0, 0, 0, 0]
    history, lengths = np.array([[0, 1, 5], [3, 0, 0]]), np.array([2, 1])
    levels, dense = np.array([[-1.0, -np.inf], [-2.0, -3.0]]), np.array([[0.5, 0.0], [0.1, 0.2]])
    found = beam_features(memory, vectors, history, lengths, np.array([[2, 4], [3, 1]]), levels, dense)
    assert found.shape == (2, 2, len(FEATURES))
    assert found[..., 0].tolist() == [[-1.0, 0.0], [-2.0, -3.0]] and found[1, :, 1] == pytest.approx([0.1, 0.2])
    assert found[..., -1].ravel() == pytest.approx([0.8, 0.0, 1.0, 0.0])
    assert found[..., FEATURES.index("seen")].tolist() == [[0, 0], [1, 0]]


def test_own_weights_change_nothing():
    """A rescorer of (1 - share, share, 0 ...) ranks as the decoder does."""
    dataset, vectors = planted_dataset()
    decoder = random_decoder(dataset.sids, vectors.shape[1])
    table, trie = decoder.item_table(vectors), build_trie(dataset.sids.codes)
    weights = np.array([1 - decoder.dense_share, decoder.dense_share, *[0.0] * 6])
    rescorer = Rescorer(weights, build_memory(dataset.histories, pairs_of([])))
    history, lengths = np.array([[1, 2, 3], [4, 0, 0]]), np.array([3, 1])
    states = encode_contexts(decoder, table, history, lengths)
    plain = beam_search(decoder, table, states, trie, 20, 10)
    again = beam_search(decoder, table, states, trie, 20, 10, None, make_rescore(rescorer, vectors, history, lengths))
    assert torch.equal(plain[0], again[0]) and torch.allclose(plain[1], again[1], atol=1e-5)


def test_fitted_on_a_world_with_links(tmp_path: Path):
    """An untrained decoder gains from the log's memory; the weights travel with the decoder."""
    dataset, vectors = planted_dataset(users=300)
    decoder = random_decoder(dataset.sids, vectors.shape[1])
    pairs, _ = mine_pairs(dataset.histories, PairsConfig.model_validate({"dask": {"workers": 0}}))
    facts = fit_rescorer(decoder, dataset, vectors, pairs)
    assert facts["ndcg@10_after"] > 1.5 * facts["ndcg@10_before"] and facts["users"] == facts["users_reached"]
    save_decoder(decoder, tmp_path)
    again = load_decoder({each.name: each for each in tmp_path.iterdir()}, dataset.sids)
    table, trie, items = decoder.item_table(vectors), build_trie(dataset.sids.codes), dataset.histories.items
    contexts = measured_contexts(dataset.histories)
    searches = [Search(each, table, trie) for each in (decoder, again)]
    ranks = [rank_contexts(each, items, contexts, 40, 10, vectors=vectors).ranks for each in searches]
    assert np.array_equal(*ranks)
    plain = rank_contexts(searches[0], items, contexts, 40, 10).ranks
    assert (ranks[0] > 0).sum() > (plain > 0).sum()


def test_beams_of_shared_sids_keep_the_best():
    """Four codes for 900 items: of a beam that holds all of them 200 are kept, and targets that are among those."""
    items, rng = 900, np.random.default_rng(0)
    histories = histories_by_hand(rng.integers(0, items, (60, 6)).tolist(), [4] * 60, [1] * 60, items)
    dataset = Dataset(histories, sids_of(np.arange(items)[:, None] % 4))
    decoder, vectors = random_decoder(dataset.sids), rng.standard_normal((items, 6)).astype(np.float32)
    contexts, memory = validation_contexts(histories), build_memory(histories, pairs_of([]))
    found = collect_beams(decoder, dataset, vectors, Rescorer(np.zeros(8), memory), contexts)
    reached = found.targets >= 0
    assert found.features.shape == (reached.sum(), 200, 8) and found.found.shape == (reached.sum(), 200)
    assert 0 < reached.sum() < 60 and len(found.targets) == 60
    search = Search(decoder, decoder.item_table(vectors), build_trie(dataset.sids.codes))
    ranks = rank_contexts(search, histories.items, contexts, 50, items).ranks
    assert reached.tolist() == (ranks <= 200).tolist()
    own = found.features[..., :2] @ np.array([1 - decoder.dense_share, decoder.dense_share], np.float32)
    ahead = (own > np.take_along_axis(own, found.targets[reached, None], 1)).sum(1)
    assert (1 + ahead).tolist() == ranks[reached].tolist()


def test_users_of_the_fit_are_drawn():
    """No more than `rescore_users`, the same ones for a seed; batches are put back in order."""
    dataset, vectors = planted_dataset()
    decoder = random_decoder(dataset.sids, vectors.shape[1], rescore_users=7)
    pairs = pairs_of([])
    assert len(validation_contexts(dataset.histories).users) > 7
    assert fit_rescorer(decoder, dataset, vectors, pairs) == fit_rescorer(decoder, dataset, vectors, pairs)
    assert decoder.rescorer is not None and fit_rescorer(decoder, dataset, vectors, pairs)["users"] == 7
