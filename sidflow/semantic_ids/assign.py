"""One semantic ID for each item, with as little change against the previous table as the decision allows."""

import logging
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from sidflow.config.codes import SemanticIdsConfig
from sidflow.errors import ReleaseMismatch, ShapeError
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.sharing import prefixes
from sidflow.semantic_ids.churn import measure_churn
from sidflow.semantic_ids.hysteresis import keep_old_paths
from sidflow.semantic_ids.policy import Decision
from sidflow.semantic_ids.table import SidTable, positions
from sidflow.semantic_ids.unique import distortion_ratio, make_unique

LOG = logging.getLogger(__name__)


class Assignment(NamedTuple):
    """The codes of a catalogue: (N, L) int16, codes per level (a suffix level included), and JSON-able facts."""

    codes: np.ndarray
    sizes: tuple[int, ...]
    facts: dict[str, Any]


class _Wanted(NamedTuple):
    codes: np.ndarray  # (N, L), or (N, L + 1) with the suffixes of held rows
    held: np.ndarray  # (N,) bool: paths taken over from the previous table


def assign_semantic_ids(
    quantizer: Quantizer,
    vectors: np.ndarray,
    item_ids: pa.Array,
    config: SemanticIdsConfig,
    previous: SidTable | None,
    decision: Decision,
    popularity: np.ndarray | None = None,
) -> Assignment:
    """Assign semantic IDs.

    `keep` and `assign_new`: known items keep their codes exactly; new items take their nearest path, or the cheapest
    free one around the known. `full` and `re_encode`: every item asks for its nearest path; or, after a warm start,
    for its old one while that is nearly as good (`config.hysteresis`); then collisions are settled, and items on old
    paths stay first. Without a warm start a code's old name says nothing of its new place, so none is held on to.

    Shapes: N items, D embedding dimensions, L levels.

    Args:
        quantizer: The quantiser, after a warm refit aligned with the previous codes (`align_quantizer`).
        vectors: Embeddings, (N, D), float32.
        item_ids: The catalogue's ids, (N,).
        config: Uniqueness mode and hysteresis.
        previous: The previous table, or None.
        decision: What the refresh does, and whether the quantiser was warm-started.
        popularity: Training interactions per item, (N,), for traffic-weighted churn.

    Returns:
        Codes, sizes and facts: those of `make_unique` (natural_unique_share, repaired_share and distortion_ratio
        against the nearest paths), `measure_churn`, and decision, kept_old_share (common items held on a path that is
        no longer their nearest).

    Raises:
        DataContractError: If the items do not fit the paths.
        ReleaseMismatch: If codes are to be kept that the quantiser cannot have made.
        ShapeError: If rows differ in number or an id repeats.
    """
    if len(vectors) != len(item_ids):
        raise ShapeError(f"assign_semantic_ids: {len(vectors)} vectors for {len(item_ids)} item ids; give one each.")
    latents = quantizer.encode(vectors)
    nearest = quantizer.assign(latents)
    if decision.action in ("keep", "assign_new"):
        wanted = _known_codes(quantizer, nearest, item_ids, config, previous, decision.action)
    else:
        old = previous if decision.warm_start else None
        wanted = _nearly_nearest(quantizer, latents, nearest, item_ids, config, old)
    settled = make_unique(quantizer, latents, wanted.codes, item_ids, config.uniqueness, wanted.held)
    levels = len(quantizer.codebooks)
    distinct = int(prefixes(nearest).max(initial=-1)) + 1
    off = (settled.codes[:, :levels] != nearest).any(axis=1)
    churn = measure_churn(previous, item_ids, settled.codes, popularity)
    sizes = _stable_sizes(settled.sizes, levels, previous, decision.action)
    items = max(len(nearest), 1)
    facts = settled.facts | {
        "decision": decision.action,
        "sizes": list(sizes),
        "natural_unique_share": distinct / items if len(nearest) else 1.0,
        "repaired_share": int(off.sum()) / items,
        "distortion_ratio": distortion_ratio(quantizer, latents, settled.codes, nearest),
        "kept_old_share": int((wanted.held & off).sum()) / max(churn["common_items"], 1),
        **churn,
    }
    LOG.info(
        "semantic_ids: %s, %d items, %d new, churn %.2f%%, sizes %s",
        decision.action, len(item_ids), churn["new_items"], 100 * churn["churn"], sizes,
    )  # fmt: skip
    return Assignment(settled.codes, sizes, facts)


def _known_codes(
    quantizer: Quantizer,
    nearest: np.ndarray,
    item_ids: pa.Array,
    config: SemanticIdsConfig,
    previous: SidTable | None,
    decision: str,
) -> _Wanted:
    if previous is None:
        raise ReleaseMismatch(
            f"decision '{decision}' keeps known codes, but there is no previous SID table; decide 'full'."
        )
    if not _comparable(quantizer, previous, config):
        raise ReleaseMismatch(
            f"decision '{decision}' keeps codes of levels {list(previous.sizes)}, but the quantiser has "
            f"{list(quantizer.sizes)} with uniqueness={config.uniqueness}; decide 'full', or take the previous one."
        )
    at = positions(item_ids, previous.item_ids)
    codes = np.zeros((len(at), previous.codes.shape[1]), np.int16)
    codes[:, : nearest.shape[1]] = nearest
    codes[at >= 0] = previous.codes[at[at >= 0]]
    return _Wanted(codes, at >= 0)


def _nearly_nearest(
    quantizer: Quantizer,
    latents: np.ndarray,
    nearest: np.ndarray,
    item_ids: pa.Array,
    config: SemanticIdsConfig,
    previous: SidTable | None,
) -> _Wanted:
    held = np.zeros(len(nearest), bool)
    if previous is None or not _comparable(quantizer, previous, config):
        return _Wanted(nearest, held)
    levels = nearest.shape[1]
    at = positions(item_ids, previous.item_ids)
    known = np.flatnonzero(at >= 0)
    old = previous.codes[at[known]]
    kept = keep_old_paths(quantizer, latents[known], nearest[known], old[:, :levels], config.hysteresis)
    codes = np.zeros((len(nearest), previous.codes.shape[1]), np.int16)
    codes[:, :levels] = nearest
    codes[known] = old  # the suffix of an item that stays, if there is one
    codes[known, :levels] = kept
    held[known] = (kept == old[:, :levels]).all(axis=1)
    return _Wanted(codes, held)


def _comparable(quantizer: Quantizer, previous: SidTable, config: SemanticIdsConfig) -> bool:
    """Whether codes of the previous table mean the same levels now."""
    levels = len(quantizer.codebooks) + (config.uniqueness == "suffix")
    return len(previous.sizes) == levels and previous.sizes[: len(quantizer.codebooks)] == quantizer.sizes


def _stable_sizes(sizes: tuple[int, ...], levels: int, previous: SidTable | None, decision: str) -> tuple[int, ...]:
    """Sizes whose suffix level never shrinks while known codes are kept: the decoder's vocabulary stays."""
    if previous is None or len(sizes) == levels or decision in ("full", "re_encode"):
        return sizes
    return (*sizes[:levels], max(sizes[-1], previous.sizes[-1]))
