"""Six monitors of how far the world has moved away from what the quantiser was fitted on."""

import logging
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sidflow.embedding.table import Embeddings
from sidflow.histories.table import Histories, training_events
from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.sharing import cohesion
from sidflow.semantic_ids.chunks import nearest_paths
from sidflow.semantic_ids.drift_measures import embedding_drift, pair_jaccard, psi, quantisation_error
from sidflow.semantic_ids.table import SidTable, positions

LOG = logging.getLogger(__name__)

MIN_PAIRS = 200  # held-out pairs below which a cohesion ratio is mostly chance: at 15% it rests on 30 of them
PERFECT = 1e-3  # squared error over the latents' variance that counts as none: a tiny catalogue is learned by heart


@dataclass(frozen=True)
class PreviousState:
    """What refreshes are judged against.

    The table is the last release's. All else is what its quantiser was *fitted* on: compared with yesterday alone,
    slow drift would stay below every limit for ever.

    Attributes:
        table: Semantic IDs of the last release.
        quantizer: The quantiser in use.
        embeddings: Embeddings at fit.
        histories: Histories at fit.
        pairs: Pairs at fit, over the items of `embeddings`.
    """

    table: SidTable
    quantizer: Quantizer
    embeddings: Embeddings
    histories: Histories
    pairs: Pairs


@dataclass(frozen=True)
class Monitors:
    """Numbers of drift; None where there is nothing to measure. "Common" items exist at fit and now.

    Attributes:
        new_items: Items without a SID in the last release.
        new_share: They over all items now.
        new_traffic_share: Their share of the training events newer than the newest at fit.
        removed_items: Items of the last release that are gone.
        embedding_drift: Mean of 1 - cosine between a common item's vectors at fit and now.
        embedding_drift_p95: The 95th percentile of the same.
        distortion_ratio: Mean squared error of the old quantiser on common items, now over at fit.
        distortion_ratio_new: The same on new items now, over common ones at fit.
        traffic_psi: Population stability index of first codes over training traffic, at fit and now.
        cohesion_ratio: Lift of held-out significant pairs sharing the first code, now over at fit.
        pair_jaccard: Significant pairs in common, over those in either.
    """

    new_items: int
    new_share: float
    new_traffic_share: float | None
    removed_items: int
    embedding_drift: float | None
    embedding_drift_p95: float | None
    distortion_ratio: float | None
    distortion_ratio_new: float | None
    traffic_psi: float | None
    cohesion_ratio: float | None
    pair_jaccard: float | None

    def facts(self) -> dict[str, Any]:
        """All fields as plain JSON."""
        return asdict(self)


def monitor(previous: PreviousState, embeddings: Embeddings, histories: Histories, pairs: Pairs) -> Monitors:
    """Measure drift. Pure: arrays in, numbers out.

    Shapes: N items now, in the order of `embeddings.item_ids`, which histories and pairs index too.

    Args:
        previous: The state to compare with; its embeddings must come from the same text model.
        embeddings: The catalogue's embeddings now.
        histories: The histories now.
        pairs: The pairs now.
    """
    in_table = positions(embeddings.item_ids, previous.table.item_ids)
    at_fit = positions(embeddings.item_ids, previous.embeddings.item_ids)
    new = in_table < 0
    first_codes = _first_codes(previous, embeddings, in_table)
    fitted_codes = _first_codes(
        previous, previous.embeddings, positions(previous.embeddings.item_ids, previous.table.item_ids)
    )
    drift = embedding_drift(previous.embeddings.vectors, embeddings.vectors, at_fit)
    result = Monitors(
        new_items=int(new.sum()),
        new_share=float(new.mean()) if len(new) else 0.0,
        new_traffic_share=_new_traffic_share(previous.histories, histories, new),
        removed_items=len(previous.table.item_ids) - int((~new).sum()),
        embedding_drift=float(drift.mean()) if len(drift) else None,
        embedding_drift_p95=float(np.quantile(drift, 0.95)) if len(drift) else None,
        **_distortion_ratios(previous, embeddings, at_fit, new),
        traffic_psi=_traffic_psi(
            fitted_codes[training_events(previous.histories)[1]],
            first_codes[training_events(histories)[1]],
            previous.table.sizes[0],
        ),
        cohesion_ratio=_cohesion_ratio((previous.pairs, fitted_codes), (pairs, first_codes)),
        pair_jaccard=pair_jaccard(previous.pairs, previous.embeddings.item_ids, pairs, embeddings.item_ids),
    )
    LOG.info("drift: %s", result)
    return result


def _first_codes(previous: PreviousState, embeddings: Embeddings, in_table: np.ndarray) -> np.ndarray:
    """First codes of items: the last release's, or the old quantiser's nearest where there is none."""
    codes = np.empty(len(in_table), np.int64)
    known = in_table >= 0
    codes[known] = previous.table.codes[in_table[known], 0]
    strangers = np.flatnonzero(~known)
    codes[strangers] = nearest_paths(previous.quantizer, embeddings.vectors, strangers)[:, 0]
    return codes


def _new_traffic_share(before: Histories, now: Histories, new: np.ndarray) -> float | None:
    newest = training_events(before)[2].max(initial=np.iinfo(np.int64).min)
    _, items, timestamps = training_events(now)
    recent = items[timestamps > newest]
    return float(new[recent].mean()) if len(recent) else None


def _distortion_ratios(
    previous: PreviousState, embeddings: Embeddings, at_fit: np.ndarray, new: np.ndarray
) -> dict[str, float | None]:
    common = np.flatnonzero(at_fit >= 0)
    then, spread = quantisation_error(previous.quantizer, previous.embeddings.vectors, at_fit[common])
    now, _ = quantisation_error(previous.quantizer, embeddings.vectors, common)
    fresh, _ = quantisation_error(previous.quantizer, embeddings.vectors, np.flatnonzero(new))
    floor = PERFECT * spread + 1e-12
    return {
        name: None if then is None or error is None else max(error, floor) / max(then, floor)
        for name, error in (("distortion_ratio", now), ("distortion_ratio_new", fresh))
    }


def _traffic_psi(before: np.ndarray, after: np.ndarray, size: int) -> float | None:
    if not len(before) or not len(after):
        return None
    return psi(np.bincount(before, minlength=size), np.bincount(after, minlength=size))


def _cohesion_ratio(before: tuple[Pairs, np.ndarray], now: tuple[Pairs, np.ndarray]) -> float | None:
    """Held-out pairs on both sides: the others were in the loss at fit, and would make every later month look worse."""
    before_lift, now_lift = _heldout_lift(*before), _heldout_lift(*now)
    return now_lift / before_lift if before_lift and now_lift is not None else None


def _heldout_lift(pairs: Pairs, codes: np.ndarray) -> float | None:
    """How much likelier a held-out significant pair shares its code than items that are no pair; None of too few."""
    chosen = pairs.significant & pairs.heldout
    if chosen.sum() < MIN_PAIRS:
        return None
    lift: float | None = cohesion(codes[:, None], pairs.a[chosen], pairs.b[chosen], ordered=False)[0]["lift"]
    return lift
