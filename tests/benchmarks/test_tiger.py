"""TIGER, the generative peer of benchmarks/decoder.py, in worlds whose answers are known."""

import itertools
from dataclasses import replace

import numpy as np
import torch
from numpy.testing import assert_array_equal

from sidflow.dataset.build import Dataset
from sidflow.decoder.metrics import recall_gains
from sidflow.decoder.ranking import Contexts, measured_contexts
from tests.benchmarks.peer_worlds import ITEMS, ragged, successors
from tests.decoder.worlds import histories_by_hand, sids_of


def small_tiger(**settings: object) -> object:
    """Settings that take seconds."""
    from tiger_search import Tiger

    tiny = Tiger(dim=32, layers=1, heads=2, head_dim=16, feed=64, batch=64, lr=1e-2, max_items=4, validation_beam=12)
    return replace(tiny, **settings)


def test_tiger_learns_what_follows() -> None:
    """Over nine in ten test targets rank first where the next item follows from the last."""
    from tiger import train_tiger
    from tiger_search import tiger_ranks

    dataset = successors()
    trained = train_tiger(dataset, small_tiger(layers=2, dropout=0.0, lr=5e-3), steps=200)
    ranks = tiger_ranks(trained.model, dataset, measured_contexts(dataset.histories), beam=12, k=10)
    assert recall_gains(ranks, 1).mean() > 0.9
    assert trained.curve[-1]["step"] == trained.facts["step"] == 200


def test_tiger_search_equals_the_scores_of_all_items() -> None:
    """A beam as wide as the catalogue finds the best items by teacher-forced log-likelihood, in order."""
    from tiger_search import encoder_inputs, make_tiger, tiger_top

    torch.manual_seed(3)
    histories = ragged()
    dataset = Dataset(histories, sids_of(np.random.default_rng(4).permutation(27)[:ITEMS, None] // [9, 3, 1] % 3))
    model = make_tiger(dataset.sids, small_tiger())
    for parameter in model.network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    contexts, expected = measured_contexts(histories), []
    model.network.eval()
    for begin, end in zip(contexts.starts, contexts.ends, strict=True):
        seen = histories.items[max(begin, end - 4) : end].astype(np.int64)
        inputs, mask = encoder_inputs(model.tokens, seen[None], np.array([len(seen)]))
        with torch.no_grad():
            logits = model.network(inputs.repeat(ITEMS, 1), mask.repeat(ITEMS, 1), labels=model.tokens).logits
        scores = logits.log_softmax(-1).gather(2, model.tokens[:, :, None]).sum((1, 2))
        expected.append(scores.argsort(descending=True)[:5].tolist())
    assert_array_equal(tiger_top(model, dataset, contexts, beam=ITEMS, k=5, batch=4), expected)


def test_tiger_recommends_existing_items_alone_whatever_the_beam() -> None:
    """Also where a beam is wider than the catalogue: then places stay empty rather than filled with codes of nobody."""
    from tiger_search import make_tiger, tiger_top

    torch.manual_seed(0)
    dataset = successors(users=5)
    top = tiger_top(make_tiger(dataset.sids, small_tiger()), dataset, measured_contexts(dataset.histories), 20, 20)
    assert_array_equal(np.sort(top[:, :ITEMS]), np.tile(np.arange(ITEMS), (5, 1)))
    assert (top[:, ITEMS:] == -1).all()


def test_allowed_tokens_are_those_of_the_rows() -> None:
    """Every proper prefix, and nothing after a complete one."""
    from tiger_search import allowed_tokens

    allowed = {prefix: tokens.tolist() for prefix, tokens in allowed_tokens([(1, 4), (2, 5), (1, 3)]).items()}
    assert allowed == {(): [1, 2], (1,): [3, 4], (2,): [5]}


def test_every_training_event_with_a_past_is_a_target_of_tiger_once_an_epoch() -> None:
    """Held-out events are not, and histories are cut to their newest items."""
    from tiger import _batches, training_contexts

    histories = histories_by_hand([[0, 1, 2, 3], [4, 5], [], [6, 7, 8]], [3, 1, 0, 3], [1, 0, 0, 0], ITEMS)
    assert training_contexts(histories).ends.tolist() == [1, 2, 7, 8]
    epoch = itertools.islice(_batches(histories, small_tiger(batch=3, max_items=1)), 2)
    parts = Contexts(*(np.concatenate(each) for each in zip(*epoch, strict=True)))
    assert sorted(parts.ends) == [1, 2, 7, 8] and (parts.ends - parts.starts).tolist() == [1] * 4


def test_tiger_trains_the_same_for_the_same_seed_and_steps() -> None:
    """Every number of the curve but the times, and no trace in the global random state."""
    from tiger import train_tiger

    before, dataset = torch.get_rng_state(), successors(users=10)
    curves = [train_tiger(dataset, small_tiger(seed=seed), steps=3).curve for seed in (0, 0, 1)]
    losses = [[row["loss"] for row in curve] for curve in curves]
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_tiger_trains_for_its_minutes_and_validates_on_the_way() -> None:
    """Rows come in the order of their times, the last one after the time is up."""
    from tiger import train_tiger

    rows: list[dict[str, float]] = []
    trained = train_tiger(successors(), small_tiger(validate_minutes=1e-5), minutes=1e-3, on_row=rows.append)
    assert rows == trained.curve and trained.facts["seconds"] >= 0.06
    assert [row["step"] for row in rows] == list(range(1, len(rows) + 1))
