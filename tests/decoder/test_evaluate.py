"""Evaluation: full-catalogue ranks beside baselines."""

import numpy as np
import pytest

from sidflow.config import EvaluationConfig
from sidflow.dataset.build import Dataset
from sidflow.decoder.cold import Search
from sidflow.decoder.evaluate import evaluate
from sidflow.decoder.ranking import measured_contexts, rank_contexts, validation_contexts
from sidflow.decoder.trie import build_trie
from sidflow.errors import ReleaseMismatch
from tests.decoder.worlds import histories_by_hand, planted_dataset, random_decoder, sids_of


def test_contexts_literal() -> None:
    """Validation sees the training prefix; test sees validation too; only first events are targets."""
    histories = histories_by_hand([[0, 1, 2, 3], [4, 5], [6, 7, 8], [9, 9]], [2, 2, 0, 0], [1, 0, 1, 0], items=10)
    validation, test = validation_contexts(histories), measured_contexts(histories)
    assert [each.tolist() for each in validation] == [[0], [0], [2]]
    assert [each.tolist() for each in test] == [[0, 2], [0, 6], [3, 7]]


def test_ranks_are_places_in_the_list() -> None:
    """A target's rank is where the beam's list has it, 0 where it has not."""
    dataset, vectors = planted_dataset()
    decoder = random_decoder(dataset.sids, content=16)
    contexts = measured_contexts(dataset.histories)
    search = Search(decoder, decoder.item_table(vectors), build_trie(dataset.sids.codes))
    ranking = rank_contexts(search, dataset.histories.items, contexts, 40, 15, 7)
    for target, top, rank in zip(dataset.histories.items[contexts.ends], ranking.top, ranking.ranks, strict=True):
        assert rank == (top.tolist().index(target) + 1 if target in top else 0)
    assert (ranking.ranks == 0).any() and (ranking.ranks > 0).any()


def test_batches_do_not_change_ranks() -> None:
    """Padding and company change nothing."""
    dataset, vectors = planted_dataset()
    decoder = random_decoder(dataset.sids, content=16)
    contexts, items = measured_contexts(dataset.histories), dataset.histories.items
    search = Search(decoder, decoder.item_table(vectors), build_trie(dataset.sids.codes))
    alone = rank_contexts(search, items, contexts, 10, 10, batch=1)
    together = rank_contexts(search, items, contexts, 10, 10, batch=64)
    assert np.array_equal(alone.top, together.top)


def test_what_a_context_holds_may_stay_out() -> None:
    """Lists are those with everything, less all items before the target, also what the decoder no longer reads."""
    dataset, vectors = planted_dataset()
    decoder = random_decoder(dataset.sids, content=16)
    contexts, items = measured_contexts(dataset.histories), dataset.histories.items
    decoder.max_items = 2
    search = Search(decoder, decoder.item_table(vectors), build_trie(dataset.sids.codes))
    whole = rank_contexts(search, items, contexts, 40, 40)
    found = rank_contexts(search, items, contexts, 40, 40, unseen=True)
    for start, end, everything, top in zip(contexts.starts, contexts.ends, whole.top, found.top, strict=True):
        seen = set(items[start:end].tolist())
        assert [each for each in top.tolist() if each >= 0] == [
            each for each in everything.tolist() if each not in seen
        ]
    assert (np.diff([contexts.starts, contexts.ends], axis=0) > 2).any()


def test_facts_and_table() -> None:
    """Metrics agree with the table of ranks; baselines and intervals stand beside."""
    dataset, vectors = planted_dataset()
    facts, table = evaluate(
        random_decoder(dataset.sids, content=16), dataset, vectors, EvaluationConfig(beam=20, bootstrap=50)
    )
    ranks = table["rank"].to_numpy()
    assert facts["users"] == len(table) == facts["users"]
    assert facts["test"]["recall@10"] == ((ranks > 0) & (ranks <= 10)).mean()
    assert facts["baselines"]["popularity"]["recall@5"] == (table["rank_popularity"].to_numpy() <= 5).mean()
    low, high = facts["ci95"]["ndcg@10"]
    assert low <= facts["test"]["ndcg@10"] <= high
    difference = facts["against"]["last_item_transitions"]["recall@10"]["difference"]
    assert difference == pytest.approx(
        facts["test"]["recall@10"] - facts["baselines"]["last_item_transitions"]["recall@10"]
    )
    assert facts["random_recall@10"] == 10 / 40
    assert 0 < facts["coverage@10"] <= 1


def test_cold_targets_apart_and_users_without_context() -> None:
    """A target without training events is cold; a user whose first event is the target has no context."""
    histories = histories_by_hand([[0, 1, 2], [0, 1, 0], [1]], [2, 2, 0], [0, 0, 0], items=3)
    dataset = Dataset(histories, sids_of(np.array([[0, 0], [0, 1], [1, 0]])))
    facts, table = evaluate(
        random_decoder(dataset.sids), dataset, np.zeros((3, 6), np.float32), EvaluationConfig(bootstrap=0)
    )
    assert facts["users"] == 2 and facts["users_without_context"] == 1
    assert facts["cold"]["users"] == 1 and facts["cold"]["recall@10"] == 1.0
    assert table["cold"].to_pylist() == [True, False]
    assert table["user_id"].to_pylist() == ["u0", "u1"]
    assert facts["ci95"]["recall@10"] is None


def test_another_sid_table_is_refused() -> None:
    """Evaluation beside a table that is not the decoder's own does not happen."""
    dataset, vectors = planted_dataset()
    stranger = random_decoder(sids_of(dataset.sids.codes[::-1]), content=16)
    with pytest.raises(ReleaseMismatch):
        evaluate(stranger, dataset, vectors, EvaluationConfig())
