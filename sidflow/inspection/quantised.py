"""How well one item is quantised, and why its SID is not the nearest one where it is not."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sidflow.errors import ArtifactError
from sidflow.inspection.contents import Contents, sid_text
from sidflow.semantic_ids.table import positions, read_semantic_ids

SAMPLED = 4_096  # items, evenly spread, that say what is typical
Placement = Literal["nearest", "kept", "moved", "unknown"]


@dataclass(frozen=True)
class Quantisation:
    """How an item came by its codes.

    Attributes:
        residual_shares: Per level, what the code vectors up to it leave over: squared distance to the item's latent
            over the latent's own square.
        typical_shares: The same over many items together.
        nearest: The path whose code vectors are nearest, greedily, "12-7-200".
        placement: `nearest`; or `kept`: the previous release's SID, or a prefix of it, stayed although another path is
            nearer; or `moved`: other items took the nearest path; or `unknown`: the previous table was collected.
        kept: What stayed of the previous release's SID; None unless `kept`.
        holder: Id of the item that has the nearest path; None if it is this one or nobody.
    """

    residual_shares: tuple[float, ...]
    typical_shares: tuple[float, ...]
    nearest: str
    placement: Placement
    kept: str | None
    holder: str | None


def quantisation_of(contents: Contents, item: int) -> Quantisation:
    """How well a release's quantiser renders an item; a suffix level, which says nothing of that, is left out."""
    quantizer = contents.quantizer
    codes = contents.sids.codes[:, : len(quantizer.sizes)]
    nearest = quantizer.assign(quantizer.encode(contents.embeddings.vectors[item : item + 1]))[0]
    holders = np.flatnonzero((codes == nearest).all(axis=1))
    step = max(len(codes) // SAMPLED, 1)
    placement, kept = _placement(contents, item, nearest)
    return Quantisation(
        residual_shares=_residual_shares(contents, np.array([item])),
        typical_shares=_residual_shares(contents, np.arange(0, len(codes), step)),
        nearest=sid_text(nearest),
        placement=placement,
        kept=kept,
        holder=contents.item_ids[int(holders[0])].as_py() if len(holders) and item not in holders else None,
    )


def _residual_shares(contents: Contents, items: np.ndarray) -> tuple[float, ...]:
    """What the code vectors up to each level leave over of some items' latents, all together."""
    quantizer = contents.quantizer
    latents, codes = quantizer.encode(contents.embeddings.vectors[items]), contents.sids.codes[items]
    whole = float(np.square(latents).sum()) or 1.0
    levels = range(1, len(quantizer.sizes) + 1)
    return tuple(float(np.square(latents - quantizer.quantise(codes[:, :level])).sum()) / whole for level in levels)


def _placement(contents: Contents, item: int, nearest: np.ndarray) -> tuple[Placement, str | None]:
    """Why the item has its path, and what it kept of its old one, if it did."""
    own = contents.sids.codes[item, : len(nearest)]
    if np.array_equal(own, nearest):
        return "nearest", None
    before = contents.store.manifest(contents.release.artifact("semantic_ids")).inputs.get("previous")
    if before is None:
        return "moved", None
    try:
        table = read_semantic_ids(contents.store.files(before))
    except ArtifactError:
        return "unknown", None
    at = int(positions(contents.item_ids.slice(item, 1), table.item_ids)[0])
    held = _shared(own, table.codes[at]) if at >= 0 else 0
    return ("kept", sid_text(own[:held])) if held > _shared(own, nearest) else ("moved", None)


def _shared(one: np.ndarray, other: np.ndarray) -> int:
    """Levels of the longest common prefix."""
    levels = min(len(one), len(other))
    return int(np.logical_and.accumulate(one[:levels] == other[:levels]).sum())
