"""Item-kNN on mined pairs: a candidate's score is the sum of its pair weights with the newest items, older ones less.

No training: what the pairs alone know, beside decoders that learn from the same log.

Source: Sarwar et al. 2001, Item-based collaborative filtering recommendation algorithms; recency weights as in
Ludewig and Jannach 2018, arXiv 1803.09587.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sidflow.decoder.baselines import Transitions, popularity, popularity_places, transition_ranks, unseen_ranks
from sidflow.decoder.metrics import ranking_metrics
from sidflow.decoder.ranking import Contexts, validation_contexts
from sidflow.histories.table import Histories
from sidflow.pairs.table import Pairs

DECAYS = (0.3, 0.5, 0.8)
NEWEST = 50  # items of a history that count
SLICE = 1_000  # contexts whose scores are held at once


@dataclass(frozen=True)
class Knn:
    """Pair weights both ways, (N, N) CSR, and every item's place by popularity, (N,)."""

    neighbours: sparse.csr_array
    places: np.ndarray


def build_knn(histories: Histories, pairs: Pairs) -> Knn:
    """The neighbours of every item: all pairs but held-out ones."""
    used, size = ~pairs.heldout, len(histories.item_ids)
    a, b, weight = pairs.a[used], pairs.b[used], pairs.weight[used].astype(np.float64)
    both = np.concatenate([a, b]), np.concatenate([b, a])
    neighbours = sparse.coo_array((np.tile(weight, 2), both), shape=(size, size)).tocsr()
    return Knn(neighbours, popularity_places(popularity(histories)))


def choose_decay(knn: Knn, histories: Histories) -> tuple[float, dict[float, dict[str, float]]]:
    """The decay with the best NDCG@10 on unseen validation targets, and the metrics of each that was tried."""
    contexts = validation_contexts(histories)
    tried = {decay: ranking_metrics(knn_ranks(knn, histories, contexts, decay, True), (5, 10)) for decay in DECAYS}
    return max(tried, key=lambda decay: tried[decay]["ndcg@10"]), tried


def knn_ranks(knn: Knn, histories: Histories, contexts: Contexts, decay: float, unseen: bool = False) -> np.ndarray:
    """Rank of every target among all items, from 1, (c,) int64; ties, and items without score, by popularity.

    Args:
        knn: Neighbours.
        histories: Their events.
        contexts: c of them.
        decay: Factor on an item's weight for every newer item, in (0, 1].
        unseen: Leave the items of a context out, as one that never recommends a seen item does; a target that its
            context holds then gets 0.
    """
    ranks = np.empty(len(contexts.users), np.int64)
    for first in range(0, len(ranks), SLICE):
        part = contexts.take(slice(first, first + SLICE))
        ranks[first : first + SLICE] = _slice_ranks(knn, histories, part, decay, unseen)
    return ranks


def _slice_ranks(knn: Knn, histories: Histories, contexts: Contexts, decay: float, unseen: bool) -> np.ndarray:
    """A context's scores take the place of an item's transitions: what scores comes first, then the rest."""
    scored = Transitions(knn_scores(knn, histories.items, contexts, decay), knn.places)
    rows = np.arange(len(contexts.users))
    if unseen:
        return unseen_ranks(scored, rows, histories, contexts)
    return transition_ranks(scored, rows, histories.items[contexts.ends])


def knn_scores(knn: Knn, items: np.ndarray, contexts: Contexts, decay: float) -> sparse.csr_array:
    """Scores of all items after each context, (c, N) CSR."""
    lengths = np.minimum(contexts.ends - contexts.starts, NEWEST)
    row = np.repeat(np.arange(len(lengths)), lengths)
    age = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    newest = items[contexts.ends[row] - 1 - age]
    taken = sparse.coo_array((decay**age, (row, newest)), shape=(len(lengths), len(knn.places))).tocsr()
    scores: sparse.csr_array = taken @ knn.neighbours
    return scores
