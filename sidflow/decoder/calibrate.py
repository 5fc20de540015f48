"""Fitting a trained decoder's rescorer on its validation targets."""

from typing import Any

import numpy as np
from torch import Tensor

from sidflow.dataset.build import Dataset
from sidflow.decoder.memory import Rescorer, build_memory
from sidflow.decoder.model import Decoder
from sidflow.decoder.ranking import Contexts, context_batches, drawn_contexts, encode_contexts, target_places
from sidflow.decoder.rescore import FEATURES, Beams, beam_features, fit_weights
from sidflow.decoder.search import beam_search
from sidflow.decoder.trie import Trie, build_trie
from sidflow.pairs.table import Pairs

BEAM = 50
BATCH = 256
MOST = 4 * BEAM  # candidates of a history; a beam has more only where SIDs are shared
NOTHING = Beams(np.zeros((0, 1, len(FEATURES)), np.float32), np.zeros((0, 1), bool), np.zeros(0, np.int64))

Candidates = tuple[np.ndarray, np.ndarray, np.ndarray]


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
    """The beams of contexts, in their order; features of those that reached the target."""
    items, trie = dataset.histories.items, build_trie(dataset.sids.codes)
    table = decoder.eval().item_table(vectors)
    rows, parts = [np.zeros(0, np.int64)], [NOTHING]
    targets = np.full(len(contexts.users), -1)
    for chosen, histories, lengths in context_batches(items, contexts, decoder.max_items, BATCH):
        wanted = items[contexts.ends[chosen]]
        part = _beams(decoder, table, trie, vectors, rescorer, histories, lengths, wanted)
        targets[chosen] = part.targets
        rows.append(chosen[part.targets >= 0])
        parts.append(part)
    width = max(part.found.shape[1] for part in parts)
    order = np.argsort(np.concatenate(rows))
    features, found, _ = zip(*(_widened(part, width) for part in parts), strict=True)
    return Beams(np.concatenate(features)[order], np.concatenate(found)[order], targets)


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
        beam = items.cpu().numpy(), levels.cpu().numpy(), dense.cpu().numpy()
        candidates, scores, logits = best_of(beam, decoder.dense_share, MOST)
        found = np.isfinite(scores)
        places = target_places(np.where(found, candidates, -1), targets)
        hit = places >= 0
        reached = candidates[hit], scores[hit], logits[hit]
        features = beam_features(rescorer.memory, vectors, histories[hit], lengths[hit], *reached)
        caught.append(Beams(features, found[hit], places))
        return levels

    states = encode_contexts(decoder, table, histories, lengths)
    beam_search(decoder, table, states, trie, BEAM, 1, rescore=catch)
    return caught[0]


def best_of(beam: Candidates, dense_share: float, most: int) -> Candidates:
    """The candidates of each history that the decoder itself finds best, in the order they came in.

    Args:
        beam: Items, log-probabilities of their codes, -inf where there is none, and dense logits, (b, c) each.
        dense_share: Of the dense logit in the decoder's own score.
        most: How many are kept; of fewer, all.
    """
    _, levels, dense = beam
    if levels.shape[1] <= most:
        return beam
    own = np.where(np.isfinite(levels), (1 - dense_share) * levels + dense_share * dense, -np.inf)
    chosen = np.sort(np.argsort(-own, axis=1, kind="stable")[:, :most], axis=1)
    items, levels, dense = (np.take_along_axis(each, chosen, 1) for each in beam)
    return items, levels, dense
