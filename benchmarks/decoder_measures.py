"""How one row of benchmarks/decoder.py is made: a model trained or counted, and its ranks of held-out targets."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from decoder_rows import Row
from knn import build_knn, choose_decay, knn_ranks
from sasrec import train_sasrec
from sasrec_model import SasRec, sasrec_ranks
from tiger import train_tiger
from tiger_search import Tiger, TigerModel, tiger_ranks
from torch import Tensor

from sidflow.dataset.build import Dataset
from sidflow.decoder.baselines import count_transitions, popularity, popularity_places, transition_ranks
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
    validation_contexts,
)
from sidflow.decoder.trie import build_trie
from sidflow.histories.table import Histories

if TYPE_CHECKING:
    from decoder import Inputs

Facts = dict[str, Any]
Ranked = Callable[[Contexts], np.ndarray]
"""Ranks of contexts' targets from 1, 0 where beyond 10 or out of reach."""


def measure(row: Row, inputs: "Inputs", seed: int, minutes: float, sasrec: SasRec | None) -> tuple[Facts, np.ndarray]:
    """Facts of a row, and the ranks of the test targets, (users,).

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
            return _measured(facts, histories, lambda contexts: sasrec_ranks(dense.model, histories, contexts))
        case "tiger":
            peer = train_tiger(inputs.dataset, Tiger(seed=seed), minutes)
            facts = peer.facts | {"curve": peer.curve}
            return _tiger(facts, inputs.dataset, peer.model)
        case "knn":
            knn = build_knn(histories, inputs.pairs)
            decay, tried = choose_decay(knn, histories)
            facts = {"decay": decay, "tried": {str(each): metrics for each, metrics in tried.items()}}
            return _measured(facts, histories, lambda contexts: knn_ranks(knn, histories, contexts, decay))
        case "popularity":
            places = popularity_places(popularity(histories))
            return _measured({}, histories, lambda contexts: places[histories.items[contexts.ends]])
        case "transitions":
            counts, items = count_transitions(histories), histories.items
            return _measured(
                {}, histories, lambda each: transition_ranks(counts, items[each.ends - 1], items[each.ends])
            )
        case _:
            raise ValueError(f"{row.model} needs settings")


def _tiger(facts: Facts, dataset: Dataset, model: TigerModel) -> tuple[Facts, np.ndarray]:
    """TIGER's beam search is slow: so a beam of 20, and a sample's validation targets beside all test ones."""
    validation = tiger_ranks(model, dataset, drawn_contexts(dataset.histories, 2_000, 0), beam=20)
    return _described(facts, validation, tiger_ranks(model, dataset, measured_contexts(dataset.histories), beam=20))


def _measured(facts: Facts, histories: Histories, ranked: Ranked) -> tuple[Facts, np.ndarray]:
    return _described(facts, ranked(validation_contexts(histories)), ranked(measured_contexts(histories)))


def _described(facts: Facts, validation: np.ndarray, test: np.ndarray) -> tuple[Facts, np.ndarray]:
    intervals = {
        name: bootstrap_interval(gains(test, 10), 1_000)
        for name, gains in (("recall@10", recall_gains), ("ndcg@10", ndcg_gains))
    }
    split = {"validation": ranking_metrics(validation, (5, 10)), "test": ranking_metrics(test, (5, 10))}
    return facts | split | {"users": len(test), "test_ci95": intervals}, test


def _decoder(row: Row, inputs: "Inputs") -> tuple[Facts, np.ndarray]:
    """Our decoder: validation before rescoring, whose weights are fitted there; test with and without it."""
    dataset, settings = inputs.dataset, inputs.config.decoder
    vectors = inputs.vectors if row.content else np.zeros_like(inputs.vectors)
    curve: list[Facts] = []
    trained = train_decoder(dataset, vectors, settings, inputs.config.dataset.max_items, on_metrics=curve.append)
    decoder, beam = trained.decoder, inputs.config.evaluation.beam
    if not row.own:
        with torch.no_grad():
            decoder.items.own.weight.zero_()  # always dropped in training, so never trained
    search = Search(decoder, decoder.item_table(vectors), build_trie(dataset.sids.codes))

    def ranked(contexts: Contexts) -> np.ndarray:
        return rank_contexts(search, dataset.histories.items, contexts, beam, 10, vectors=inputs.vectors).ranks

    validation, plain = ranked(validation_contexts(dataset.histories)), ranked(measured_contexts(dataset.histories))
    rescoring = fit_rescorer(decoder, dataset, inputs.vectors, inputs.pairs)
    facts = trained.facts | {"curve": curve, "rescoring": rescoring}
    described, ranks = _described(facts, validation, ranked(measured_contexts(dataset.histories)))
    described["test_not_rescored"] = ranking_metrics(plain, (5, 10))
    if row.spread and settings.dense_weight:
        dense = dense_ranks(decoder, search.table, dataset.histories)
        described["test_dense_head_alone"] = ranking_metrics(dense, (5, 10))
    return described, ranks


@torch.inference_mode()
def dense_ranks(decoder: Decoder, table: Tensor, histories: Histories) -> np.ndarray:
    """Ranks of test targets from 1 by the dense head alone, over the whole catalogue and without codes, (users,)."""
    contexts = measured_contexts(histories)
    ranks = np.zeros(len(contexts.users), np.int64)
    targets = torch.from_numpy(histories.items[contexts.ends].astype(np.int64))
    for rows, padded, lengths in context_batches(histories.items, contexts, decoder.max_items, 256):
        scores = encode_contexts(decoder.eval(), table, padded, lengths) @ table.T
        own = scores.gather(1, targets[rows, None])
        ranks[rows] = 1 + (scores > own).sum(1).numpy()
    return ranks
