"""Fitting a trained decoder's rescorer on its validation targets."""

from typing import Any

import numpy as np
from torch import Tensor

from sidflow.dataset.build import Dataset
from sidflow.decoder.memory import Rescorer, build_memory
from sidflow.decoder.model import Decoder
from sidflow.decoder.ranking import Contexts, context_batches, drawn_contexts, encode_contexts
from sidflow.decoder.rescore import FEATURES, Beams, beam_features, fit_weights
from sidflow.decoder.search import beam_search
from sidflow.decoder.trie import Trie, build_trie
from sidflow.pairs.table import Pairs

BEAM = 50
BATCH = 256


def fit_rescorer(decoder: Decoder, dataset: Dataset, vectors: np.ndarray, pairs: Pairs) -> dict[str, Any]:
    """Give a decoder the weights under which its beams rank validation targets best.

    Args:
        decoder: Trained; its `rescorer` is set.
        dataset: Of the decoder's SID table; its training part is remembered, its validation targets are asked.
        vectors: Content vectors of unit length, (N, D).
        pairs: Mined from the same training part.

    Returns:
        The facts of `fit_weights`.
    """
    contexts = drawn_contexts(dataset.histories, decoder.config.rescore_users, decoder.config.seed)
    memory = build_memory(dataset.histories, pairs)
    beams = collect_beams(decoder, dataset, vectors, Rescorer(np.zeros(len(FEATURES)), memory), contexts)
    weights, facts = fit_weights(beams, decoder.dense_share)
    decoder.rescorer = Rescorer(weights, memory)
    return facts


def collect_beams(
    decoder: Decoder, dataset: Dataset, vectors: np.ndarray, rescorer: Rescorer, contexts: Contexts
) -> Beams:
    """The beams of contexts with all features, in the order of the contexts."""
    items, codes = dataset.histories.items, dataset.sids.codes
    table, trie = decoder.eval().item_table(vectors), build_trie(codes)
    parts = []
    rows: list[np.ndarray] = []
    for chosen, histories, lengths in context_batches(items, contexts, decoder.max_items, BATCH):
        targets = items[contexts.ends[chosen]]
        parts.append(_beams(decoder, table, trie, vectors, rescorer, histories, lengths, targets))
        rows.append(chosen)
    if not parts:
        return Beams(np.zeros((0, 1, len(FEATURES)), np.float32), np.zeros((0, 1), bool), np.zeros(0, np.int64))
    width = max(part.found.shape[1] for part in parts)
    order = np.argsort(np.concatenate(rows))
    columns = zip(*(_widened(part, width) for part in parts), strict=True)
    return Beams(*(np.concatenate(column)[order] for column in columns))


def _widened(beams: Beams, width: int) -> Beams:
    """Room for as many candidates as the widest batch has: where SIDs are shared, beams differ."""
    missing = (0, 0), (0, width - beams.found.shape[1])
    return beams._replace(features=np.pad(beams.features, (*missing, (0, 0))), found=np.pad(beams.found, missing))


def _beams(
    decoder: Decoder,
    table: Tensor,
    trie: Trie,
    vectors: np.ndarray,
    rescorer: Rescorer,
    histories: np.ndarray,
    lengths: np.ndarray,
    targets: np.ndarray,
) -> Beams:
    caught: list[Beams] = []

    def catch(items: Tensor, levels: Tensor, dense: Tensor) -> Tensor:
        candidates, scores, logits = (each.cpu().numpy() for each in (items, levels, dense))
        found = np.isfinite(scores)
        hits = found & (candidates == targets[:, None])
        features = beam_features(rescorer.memory, vectors, histories, lengths, candidates, scores, logits)
        caught.append(Beams(features, found, np.where(hits.any(1), hits.argmax(1), -1)))
        return levels

    states = encode_contexts(decoder, table, histories, lengths)
    beam_search(decoder, table, states, trie, BEAM, 1, rescore=catch)
    return caught[0]
