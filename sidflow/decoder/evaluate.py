"""Full-catalogue ranking of the test events, beside the baselines, with confidence intervals."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from sidflow.config import EvaluationConfig
from sidflow.dataset.build import Dataset
from sidflow.decoder.baselines import count_transitions, popularity, transition_ranks, unseen_ranks
from sidflow.decoder.cold import Search
from sidflow.decoder.files import check_digest
from sidflow.decoder.metrics import bootstrap_interval, coverage, ndcg_gains, ranking_metrics, recall_gains
from sidflow.decoder.model import Decoder
from sidflow.decoder.ranking import Contexts, measured_contexts, rank_contexts
from sidflow.decoder.trie import build_trie
from sidflow.histories.table import Histories

logger = logging.getLogger(__name__)

Ranks = dict[str, np.ndarray]


def evaluate(
    decoder: Decoder,
    dataset: Dataset,
    vectors: np.ndarray,
    config: EvaluationConfig,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Any], pa.Table]:
    """Rank every user's first test event among all items, never a sample, and count what was hit.

    The context is everything before the event. Items that a user has seen are not filtered; beside each baseline
    stands one that leaves them out, as a decoder may learn to. Users without an event before their test event have no
    context and are counted apart.

    Args:
        decoder: The model of this data set's SID table.
        dataset: Histories and SIDs.
        vectors: Content vectors, (N, D).
        config: Beam width, cut-offs and resamples.
        on_progress: Called with (done, total) users.

    Returns:
        Facts (test, baselines, users, cold, coverage@10, random_recall@10, ci95, against), and a table of each
        measured user: user_id, target, cold, rank, rank_popularity, rank_last_item_transitions, and both again as
        `..._unseen`, where the items of the context are left out; a rank counts from 1 and is 0 where the beam did not
        reach the target, or the target was left out.

    Raises:
        ReleaseMismatch: If the decoder belongs to another SID table.
        ShapeError: If the vectors are not of this catalogue.
    """
    check_digest(decoder.digest, dataset.sids)
    histories, cutoffs = dataset.histories, tuple(sorted({5, 10, *config.cutoffs}))
    contexts = measured_contexts(histories)
    search = Search(decoder, decoder.eval().item_table(vectors), build_trie(dataset.sids.codes))
    beam = max(config.beam, cutoffs[-1])
    ranking = rank_contexts(
        search, histories.items, contexts, beam, cutoffs[-1], config.batch_users, on_progress, vectors
    )
    targets = histories.items[contexts.ends]
    ranks = {"ours": ranking.ranks, **_baselines(histories, contexts)}
    cold = popularity(histories)[targets] == 0
    facts = _facts(ranks, cold, cutoffs, config.bootstrap)
    facts["users_without_context"] = _without_context(dataset, contexts)
    facts["coverage@10"] = coverage(ranking.top[:, :10], len(dataset.sids.codes))
    facts["random_recall@10"] = min(10 / max(len(dataset.sids.codes), 1), 1.0)
    logger.info("evaluation: %d users, recall@10 %.4f", facts["users"], facts["test"]["recall@10"])
    return facts, _table(dataset, contexts, ranks, cold)


def _baselines(histories: Histories, contexts: Contexts) -> Ranks:
    """Ranks of the targets by each baseline, among all items and among those that a context does not hold."""
    transitions, items = count_transitions(histories), histories.items
    last, found = items[contexts.ends - 1], {}
    for name, each in (("popularity", transitions.popularity_alone()), ("last_item_transitions", transitions)):
        found[name] = transition_ranks(each, last, items[contexts.ends])
        found[f"{name}_unseen"] = unseen_ranks(each, last, histories, contexts)
    return found


def _facts(ranks: Ranks, cold: np.ndarray, cutoffs: tuple[int, ...], resamples: int) -> dict[str, Any]:
    ours = ranks["ours"]
    baselines = {name: each for name, each in ranks.items() if name != "ours"}
    gains = {"recall@10": recall_gains, "ndcg@10": ndcg_gains}
    return {
        "test": ranking_metrics(ours, cutoffs),
        "baselines": {name: ranking_metrics(each, cutoffs) for name, each in baselines.items()},
        "users": len(ours),
        "cold": {"users": int(cold.sum()), **ranking_metrics(ours[cold], cutoffs)},
        "ci95": {name: bootstrap_interval(gain(ours, 10), resamples) for name, gain in gains.items()},
        "against": {
            baseline: {
                name: {
                    "difference": float((gain(ours, 10) - gain(each, 10)).mean()) if len(ours) else 0.0,
                    "ci95": bootstrap_interval(gain(ours, 10) - gain(each, 10), resamples),
                }
                for name, gain in gains.items()
            }
            for baseline, each in baselines.items()
        },
    }


def _without_context(dataset: Dataset, contexts: Contexts) -> int:
    histories = dataset.histories
    before = histories.n_train.astype(np.int64) + histories.n_validation
    return int((np.diff(histories.offsets) > before).sum()) - len(contexts.users)


def _table(dataset: Dataset, contexts: Contexts, ranks: Ranks, cold: np.ndarray) -> pa.Table:
    histories = dataset.histories
    return pa.table(
        {
            "user_id": histories.user_ids.take(pa.array(contexts.users)),
            "target": histories.item_ids.take(pa.array(histories.items[contexts.ends])),
            "cold": cold,
            "rank": ranks["ours"].astype(np.int32),
            **{f"rank_{name}": each.astype(np.int32) for name, each in ranks.items() if name != "ours"},
        }
    )
