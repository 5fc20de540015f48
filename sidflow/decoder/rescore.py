"""Rescoring inside the beam: what the decoder believes, weighed against what the log remembers.

A decoder generalises; it is poor at remembering that one item is nearly always bought right after another, and that a
catalogue's items are never bought twice (or, with music, again and again). A handful of weights, fitted by maximum
likelihood on validation targets, lets each log say what counts. They start from the decoder's own score and move away
from it only as far as there are users to say so.
"""

import logging
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, logsumexp
from torch import Tensor

from sidflow.decoder.memory import FEATURES as MEMORY_FEATURES
from sidflow.decoder.memory import RECENT, Memory, Rescorer, recall_features
from sidflow.decoder.metrics import ndcg_gains
from sidflow.decoder.search import Rescore

logger = logging.getLogger(__name__)

FEATURES = ("levels", "dense", *MEMORY_FEATURES, "similarity")
PRIOR_USERS = 20.0
"""As many users as this must speak for a weight before it stands halfway between its start and what they say."""


class Beams(NamedTuple):
    """Candidates of b histories, c each, and where the target is among them; r of them reached theirs.

    Attributes:
        features: Of those that reached it, (r, c, 8) float32.
        found: Whether a place holds a candidate, (r, c) bool.
        targets: Place of the target, -1 where the beam did not reach it, (b,) int64.
    """

    features: np.ndarray
    found: np.ndarray
    targets: np.ndarray


def beam_features(
    memory: Memory,
    vectors: np.ndarray,
    histories: np.ndarray,
    lengths: np.ndarray,
    candidates: np.ndarray,
    levels: np.ndarray,
    dense: np.ndarray,
) -> np.ndarray:
    """The features of the candidates of b histories, (b, c, 8) float32 in the order of FEATURES.

    Args:
        memory: Of the decoder's catalogue.
        vectors: Content vectors of unit length, (N, D).
        histories: Catalogue indices, padded on the right, (b, T).
        lengths: Items of each history, (b,).
        candidates: Catalogue indices, (b, c).
        levels: Log-probability of each candidate's codes, (b, c).
        dense: Its dense logit, (b, c).
    """
    recalled = recall_features(memory, histories, lengths, candidates)
    levels = np.where(np.isfinite(levels), levels, 0.0)
    similar = np.full(candidates.shape, -1.0, np.float32)
    content = vectors[candidates]
    for lag in range(1, min(int(lengths.max(initial=0)), RECENT) + 1):
        near = np.einsum(
            "bcd,bd->bc", content, vectors[histories[np.arange(len(lengths)), np.maximum(lengths - lag, 0)]]
        )
        similar = np.maximum(similar, np.where((lengths >= lag)[:, None], near, -1.0))
    return np.concatenate((levels[..., None], dense[..., None], recalled, similar[..., None]), -1, dtype=np.float32)


def make_rescore(
    rescorer: Rescorer | None, vectors: np.ndarray, histories: np.ndarray, lengths: np.ndarray
) -> Rescore | None:
    """What `beam_search` ranks the beams of these histories by; None without a rescorer. Arguments: `beam_features`."""
    if rescorer is None:
        return None
    memory, weights = rescorer.memory, rescorer.weights.astype(np.float32)

    def rescore(items: Tensor, levels: Tensor, dense: Tensor) -> Tensor:
        found = (each.cpu().numpy() for each in (items, levels, dense))
        return torch.from_numpy(beam_features(memory, vectors, histories, lengths, *found) @ weights).to(items.device)

    return rescore


def fit_weights(beams: Beams, dense_share: float) -> tuple[np.ndarray, dict[str, Any]]:
    """The weights under which the targets are likeliest among their beams, and what they bring.

    Args:
        beams: Candidates of validation users; those whose target was not reached say nothing of the weights.
        dense_share: The decoder's own score is (1 - share) levels + share dense.

    Returns:
        Weights (8,) float64, and facts: users, users_reached, weights by name, and NDCG@10 over all users as it was
        (`ndcg@10_before`) and with weights that were fitted on the other half of the users (`ndcg@10_after`; None for
        fewer than two users). Where the latter is not better the weights are the decoder's own.
    """
    start = np.zeros(len(FEATURES))
    start[:2] = 1.0 - dense_share, dense_share
    users = len(beams.targets)
    half = np.random.default_rng(0).permutation(users) < users // 2
    before, after = float(_ndcg(beams, start).mean()) if users else 0.0, None
    if users > 1:
        gains = np.empty(users)
        for part in (half, ~half):
            gains[~part] = _ndcg(_chosen(beams, ~part), _likeliest(_chosen(beams, part), start))
        after = float(gains.mean())
    weights = _likeliest(beams, start) if after is not None and after > before else start
    facts = {
        "users": users,
        "users_reached": int((beams.targets >= 0).sum()),
        "ndcg@10_before": before,
        "ndcg@10_after": after,
        "weights": {name: round(float(weight), 4) for name, weight in zip(FEATURES, weights, strict=True)},
    }
    measured = "unknown" if after is None else f"{after:.4f}"
    logger.info("rescoring: NDCG@10 %.4f -> %s on %d validation users", before, measured, users)
    return weights, facts


def _likeliest(beams: Beams, start: np.ndarray) -> np.ndarray:
    """Listwise maximum likelihood with a Gaussian prior around `start`, in units of each feature's spread."""
    targets = beams.targets[beams.targets >= 0]
    if not len(targets):
        return start
    features = beams.features.astype(np.float64)
    spread = np.maximum(features[beams.found].std(0), 1e-6)
    features = np.where(beams.found[..., None], features / spread, 0.0)
    chosen = features[np.arange(len(targets)), targets]
    middle = start * spread

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        logits = np.where(beams.found, features @ weights, -np.inf)
        share = np.exp(log_softmax(logits, axis=1))
        off = weights - middle
        value = (logsumexp(logits, axis=1) - chosen @ weights).sum() + PRIOR_USERS / 2 * off @ off / len(off)
        gradient = np.einsum("bc,bcf->f", share, features) - chosen.sum(0) + PRIOR_USERS * off / len(off)
        return float(value), gradient

    return np.asarray(minimize(loss, middle, jac=True, method="L-BFGS-B").x / spread)


def _ndcg(beams: Beams, weights: np.ndarray) -> np.ndarray:
    """NDCG@10 of each user under weights; ties go to the earlier place."""
    ranks, reached = np.zeros(len(beams.targets), np.int64), beams.targets >= 0
    places = beams.targets[reached, None]
    scores = np.where(beams.found, beams.features @ weights, -np.inf)
    own = np.take_along_axis(scores, places, 1)
    ahead = (scores > own) | ((scores == own) & (np.arange(scores.shape[1]) < places))
    ranks[reached] = 1 + ahead.sum(1)
    return ndcg_gains(ranks, 10)


def _chosen(beams: Beams, users: np.ndarray) -> Beams:
    """The beams of some users, (b,) bool."""
    own = users[beams.targets >= 0]
    return Beams(beams.features[own], beams.found[own], beams.targets[users])
