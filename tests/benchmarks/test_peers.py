"""SASRec and item-kNN, peers of benchmarks/decoder.py, in worlds whose answers are known."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from sidflow.decoder.metrics import recall_gains
from sidflow.decoder.ranking import Contexts, measured_contexts, validation_contexts
from sidflow.errors import TrainingDiverged
from sidflow.pairs.table import Pairs
from tests.benchmarks.peer_worlds import ITEMS, ragged, successors
from tests.decoder.worlds import histories_by_hand


def test_counted_ranks_are_places_in_a_sort() -> None:
    """Ties, of which there are many, go to the lower index."""
    from sasrec_model import count_ranks

    scores = torch.from_numpy(np.random.default_rng(0).integers(4, size=(50, 9)).astype(np.float32))
    targets = torch.arange(50) % 9
    order = np.argsort(-scores.numpy(), axis=1, kind="stable")
    assert_array_equal(count_ranks(scores, targets), 1 + (order == targets.numpy()[:, None]).argmax(1))


@pytest.mark.parametrize("scores", [1, 30, 1 << 20])
def test_sasrec_ranks_are_those_of_one_user_at_a_time(scores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches, their padding and their number change nothing; only the newest items are seen."""
    import sasrec_model
    from sasrec_model import SasRec, SasRecModel, sasrec_ranks

    torch.manual_seed(0)
    histories, model = ragged(), SasRecModel(ITEMS, SasRec(dim=8, heads=2, max_len=3)).eval()
    torch.nn.init.normal_(model.items.weight)
    contexts, expected = measured_contexts(histories), []
    for begin, end in zip(contexts.starts, contexts.ends, strict=True):
        seen = torch.from_numpy(histories.items[max(begin, end - 3) : end].astype(np.int64))
        with torch.no_grad():
            logits = model(seen[None], torch.tensor([len(seen)]))[0, -1] @ model.items.weight.T
        expected.append(1 + int((logits > logits[histories.items[end]]).sum()))
    monkeypatch.setattr(sasrec_model, "SCORES", scores)
    assert_array_equal(sasrec_ranks(model, histories, contexts), expected)


def test_sasrec_without_seen_items_ranks_among_the_others() -> None:
    """As many places up as seen items stood ahead; nothing for a target that was seen."""
    from sasrec_model import SasRec, SasRecModel, sasrec_ranks

    torch.manual_seed(1)
    histories, model = ragged(), SasRecModel(ITEMS, SasRec(dim=8, heads=2, max_len=9)).eval()
    torch.nn.init.normal_(model.items.weight)
    contexts = measured_contexts(histories)

    def rank(row: int, item: int) -> int:
        events = histories.items.copy()
        events[contexts.ends[row]] = item
        one = Contexts(*(each[row : row + 1] for each in contexts))
        return int(sasrec_ranks(model, replace(histories, items=events), one)[0])

    expected = []
    for row, (start, end) in enumerate(zip(contexts.starts, contexts.ends, strict=True)):
        seen, target = set(histories.items[start:end].tolist()), int(histories.items[end])
        own = rank(row, target)
        expected.append(0 if target in seen else own - sum(rank(row, item) < own for item in seen))
    assert min(expected) == 0 and max(expected) > 1
    assert_array_equal(sasrec_ranks(model, histories, contexts, unseen=True), expected)


def test_lists_are_ranked_with_and_without_seen_items() -> None:
    """The target's place, its place among what was not seen, and nothing where it is missing or was seen."""
    from tiger_search import listed_ranks

    histories = histories_by_hand([[1, 2, 3], [4, 5, 4], [6, 7, 8]], [1, 1, 1], [1, 1, 1], ITEMS)
    contexts = measured_contexts(histories)
    top = np.array([[2, 9, 1, 3], [4, 9, 5, 8], [9, 6, 7, -1]])
    assert listed_ranks(top, histories, contexts).tolist() == [4, 1, 0]
    assert listed_ranks(top, histories, contexts, unseen=True).tolist() == [2, 0, 0]


def small_sasrec(**settings: object) -> object:
    """Settings that take a second."""
    from sasrec_model import SasRec

    return replace(SasRec(dim=16, layers=1, dropout=0.1, lr=1e-2, epochs=12, batch_positions=64), **settings)


def test_sasrec_learns_what_follows() -> None:
    """Every test target ranks first among unseen items where the next item follows from the last."""
    from sasrec import train_sasrec
    from sasrec_model import sasrec_ranks

    histories = successors().histories
    trained = train_sasrec(histories, small_sasrec())
    ranks = sasrec_ranks(trained.model, histories, measured_contexts(histories), unseen=True)
    assert recall_gains(ranks, 1).mean() == 1


def test_sasrec_gives_the_same_bits_for_the_same_seed() -> None:
    """And leaves the global random state as it was."""
    from sasrec import train_sasrec

    histories, before = ragged(), torch.get_rng_state()
    one, same, other = (train_sasrec(histories, small_sasrec(epochs=4, seed=seed)) for seed in (0, 0, 1))
    for left, right in zip(one.model.parameters(), same.model.parameters(), strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(one.model.items.weight, other.model.items.weight)
    assert torch.equal(torch.get_rng_state(), before)


def test_sasrec_keeps_its_best_weights_and_stops_when_no_better_come() -> None:
    """The validation of the model that is returned is the best of the curve, and patience ends the rest."""
    from sasrec import train_sasrec
    from sasrec_model import sasrec_ranks

    from sidflow.decoder.metrics import ranking_metrics

    histories = successors().histories
    trained = train_sasrec(histories, small_sasrec(epochs=60, validate_every=1, patience=3))
    assert trained.facts["epochs"] == trained.facts["best_epoch"] + 3 < 60
    assert trained.facts["validation"]["ndcg@10"] == max(row["ndcg@10"] for row in trained.curve)
    found = sasrec_ranks(trained.model, histories, validation_contexts(histories), unseen=True)
    assert ranking_metrics(found, (5, 10)) == trained.facts["validation"]


def test_sasrec_says_when_it_diverges() -> None:
    """An absurd learning rate is named."""
    from sasrec import train_sasrec

    with pytest.raises(TrainingDiverged, match=r"sasrec: loss .* at learning rate"):
        train_sasrec(successors().histories, small_sasrec(lr=1e38, clip_norm=1e38))


def pairs_of(rows: list[tuple[int, int, float, bool]]) -> Pairs:
    """Pairs (a, b, weight, heldout); nothing else is read."""
    a, b, weight, heldout = (np.array(column) for column in zip(*rows, strict=True))
    ones, count = np.ones(len(a)), np.ones(len(a), np.int32)
    return Pairs(
        a.astype(np.int32), b.astype(np.int32), count, ones, ones, ones, ones > 0, weight.astype(np.float32), heldout
    )


def knn_scores_by_hand(pairs: Pairs, history: np.ndarray, decay: float) -> np.ndarray:
    """A double loop over the newest items and the pairs."""
    scores = np.zeros(ITEMS)
    for age, item in enumerate(history[::-1]):
        for a, b, weight, heldout in zip(pairs.a, pairs.b, pairs.weight, pairs.heldout, strict=True):
            if item in (a, b) and not heldout:
                scores[b if item == a else a] += decay**age * weight
    return scores


@pytest.mark.parametrize("unseen", [False, True])
@pytest.mark.parametrize("slice_size", [2, 1_000])
def test_knn_ranks_are_places_in_a_sort(unseen: bool, slice_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By score, then popularity, then index; held-out pairs count for nothing. Halves add up exactly."""
    import knn

    from sidflow.decoder.baselines import popularity

    rng, histories = np.random.default_rng(2), ragged()
    every = itertools.combinations(range(ITEMS), 2)
    pairs = pairs_of([(a, b, float(rng.integers(1, 4)), bool(rng.random() < 0.2)) for a, b in every if (a + b) % 3])
    popular, contexts = popularity(histories), measured_contexts(histories)
    expected = []
    for begin, end in zip(contexts.starts, contexts.ends, strict=True):
        history, target = histories.items[begin:end], histories.items[end]
        scores = knn_scores_by_hand(pairs, history, 0.5)
        left = [item for item in range(ITEMS) if not (unseen and item in history)]
        order = sorted(left, key=lambda item: (-scores[item], -popular[item], item))
        expected.append(order.index(target) + 1 if target in order else 0)
    monkeypatch.setattr(knn, "SLICE", slice_size)
    found = knn.knn_ranks(knn.build_knn(histories, pairs), histories, contexts, 0.5, unseen)
    assert_array_equal(found, expected)


def test_knn_chooses_the_decay_that_validation_prefers() -> None:
    """Where only the last item tells what comes, and older ones mislead, the steepest decay wins."""
    from knn import DECAYS, build_knn, choose_decay

    histories = histories_by_hand([[0, 0, 1, 3, 2]] * 3, [3] * 3, [1] * 3, ITEMS)
    knn = build_knn(histories, pairs_of([(0, 2, 2.0, False), (1, 3, 1.0, False)]))
    decay, tried = choose_decay(knn, histories)
    assert decay == min(DECAYS) and set(tried) == set(DECAYS)
    assert tried[0.3]["ndcg@10"] == 1 > tried[0.5]["ndcg@10"]
