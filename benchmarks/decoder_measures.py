"""How one row of benchmarks/decoder.py is made: a model trained or counted, and its ranks of held-out targets."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from decoder_rows import Row
from knn import build_knn, choose_decay, knn_ranks
from sasrec import train_sasrec
from sasrec_model import SasRec, count_ranks, leave_out, sasrec_ranks
from tiger import train_tiger
from tiger_search import Tiger, listed_ranks, tiger_ranks, tiger_top
from torch import Tensor

from sidflow.dataset.build import Dataset
from sidflow.decoder.baselines import Transitions, count_transitions, transition_ranks, unseen_ranks
from sidflow.decoder.calibrate import fit_rescorer
from sidflow.decoder.cold import Search
from sidflow.decoder.fit import train_decoder
from sidflow.decoder.metrics import bootstrap_interval, ndcg_gains, ranking_metrics, recall_gains
from sidflow.decoder.model import Decoder
from sidflow.decoder.ranking import (
    Contexts,
    context_batches,
    drawn_contexts,
    encode_contexts,
    measured_contexts,
    rank_contexts,
    seen_items,
    validation_contexts,
)
from sidflow.decoder.trie import build_trie
from sidflow.histories.table import Histories

if TYPE_CHECKING:
    from decoder import Inputs

Facts = dict[str, Any]
Ranks = dict[str, np.ndarray]
"""By way of ranking: ranks of the test targets from 1, 0 where beyond 10 or out of reach, (users,)."""


def measure(row: Row, inputs: "Inputs", seed: int, minutes: float, sasrec: SasRec | None) -> tuple[Facts, Ranks]:
    """Facts of a row, and the ranks of the test targets; `test_unseen` leaves out what a context holds.

    Args:
        row: What to make.
        inputs: Under the row's settings.
        seed: Of the training.
        minutes: Of TIGER's training.
        sasrec: Settings of SASRec.
    """
    histories = inputs.dataset.histories
    match row.model:
        case "decoder":
            return _decoder(row, inputs)
        case "sasrec" if sasrec is not None:
            dense = train_sasrec(histories, replace(sasrec, seed=seed))
            facts = dense.facts | {"curve": dense.curve, "settings": asdict(sasrec)}
            return _measured(facts, histories, lambda *each: sasrec_ranks(dense.model, histories, *each))
        case "tiger":
            return _tiger(inputs.dataset, seed, minutes)
        case "knn":
            knn = build_knn(histories, inputs.pairs)
            decay, tried = choose_decay(knn, histories)
            facts = {"decay": decay, "tried": {str(each): metrics for each, metrics in tried.items()}}
            return _measured(facts, histories, lambda each, unseen: knn_ranks(knn, histories, each, decay, unseen))
        case "popularity":
            return _counted(histories, count_transitions(histories).popularity_alone())
        case "transitions":
            return _counted(histories, count_transitions(histories))
        case _:
            raise ValueError(f"{row.model} needs settings")


def _counted(histories: Histories, transitions: Transitions) -> tuple[Facts, Ranks]:
    """A row of what was counted alone."""

    def ranked(contexts: Contexts, unseen: bool) -> np.ndarray:
        last = histories.items[contexts.ends - 1]
        if unseen:
            return unseen_ranks(transitions, last, histories, contexts)
        return transition_ranks(transitions, last, histories.items[contexts.ends])

    return _measured({}, histories, ranked)


def _tiger(dataset: Dataset, seed: int, minutes: float) -> tuple[Facts, Ranks]:
    """TIGER's beam search is slow: so a beam of 20, and a sample's validation targets beside all test ones."""
    peer, histories = train_tiger(dataset, Tiger(seed=seed), minutes), dataset.histories
    drawn, tested = drawn_contexts(histories, 2_000, 0), measured_contexts(histories)
    validation = tiger_ranks(peer.model, dataset, drawn, beam=20)
    top = tiger_top(peer.model, dataset, tested, beam=20, k=20)
    ranks = {
        "test": listed_ranks(top[:, :10], histories, tested),
        "test_unseen": listed_ranks(top, histories, tested, unseen=True),
    }
    return _described(peer.facts | {"curve": peer.curve}, validation, ranks)


def _measured(
    facts: Facts, histories: Histories, ranked: Callable[[Contexts, bool], np.ndarray]
) -> tuple[Facts, Ranks]:
    held, tested = validation_contexts(histories), measured_contexts(histories)
    ranks = {"test": ranked(tested, False), "test_unseen": ranked(tested, True)}
    facts = facts | {"validation_unseen": ranking_metrics(ranked(held, True), (5, 10))}
    return _described(facts, ranked(held, False), ranks)


def _described(facts: Facts, validation: np.ndarray, ranks: Ranks) -> tuple[Facts, Ranks]:
    intervals = {
        name: bootstrap_interval(gains(ranks["test"], 10), 1_000)
        for name, gains in (("recall@10", recall_gains), ("ndcg@10", ndcg_gains))
    }
    splits = {"validation": validation} | ranks
    metrics = {split: ranking_metrics(each, (5, 10)) for split, each in splits.items()}
    return facts | metrics | {"users": len(ranks["test"]), "test_ci95": intervals}, ranks


def _decoder(row: Row, inputs: "Inputs") -> tuple[Facts, Ranks]:
    """Our decoder: validation before rescoring, whose weights are fitted there; test with and without it."""
    dataset, settings = inputs.dataset, inputs.config.decoder
    vectors = inputs.vectors if row.content else np.zeros_like(inputs.vectors)
    curve: list[Facts] = []
    trained = train_decoder(dataset, vectors, settings, inputs.config.dataset.max_items, on_metrics=curve.append)
    decoder, beam = trained.decoder, inputs.config.evaluation.beam
    search = Search(decoder, decoder.item_table(vectors), build_trie(dataset.sids.codes))

    def ranked(contexts: Contexts, unseen: bool = False) -> np.ndarray:
        vectors, items = inputs.vectors, dataset.histories.items
        return rank_contexts(search, items, contexts, beam, 10, vectors=vectors, unseen=unseen).ranks

    tested, ranks = measured_contexts(dataset.histories), {}
    validation = ranked(validation_contexts(dataset.histories))
    for after, unseen in (("", False), ("_unseen", True)):
        ranks[f"test_not_rescored{after}"] = ranked(tested, unseen)
        if row.spread and settings.dense_weight:
            dense = dense_ranks(decoder, search.table, dataset.histories, tested, unseen)
            ranks[f"test_dense_head_alone{after}"] = dense
    rescoring = fit_rescorer(decoder, dataset, inputs.vectors, inputs.pairs)
    facts = trained.facts | {"curve": curve, "rescoring": rescoring}
    return _described(facts, validation, {"test": ranked(tested), "test_unseen": ranked(tested, True)} | ranks)


@torch.inference_mode()
def dense_ranks(
    decoder: Decoder, table: Tensor, histories: Histories, contexts: Contexts, unseen: bool = False
) -> np.ndarray:
    """Ranks of targets from 1 by the dense head alone, over the whole catalogue and without codes, (c,).

    With `unseen`, what a context holds is left out, and a target that it holds has rank 0.
    """
    ranks = np.zeros(len(contexts.users), np.int64)
    targets = torch.from_numpy(histories.items[contexts.ends].astype(np.int64))
    for rows, padded, lengths in context_batches(histories.items, contexts, decoder.max_items, 256):
        states = encode_contexts(decoder.eval(), table, padded, lengths)
        scores = states @ table.T
        if unseen:
            leave_out(scores, seen_items(histories.items, contexts.starts[rows], contexts.ends[rows]))
        ranks[rows] = count_ranks(scores, targets[rows]).numpy()
    return ranks
