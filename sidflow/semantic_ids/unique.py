"""One semantic ID an item: what happens to items that share a path."""

import logging
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.errors import ConfigError, ShapeError
from sidflow.quantizer.checks import check_room
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.sharing import prefixes
from sidflow.semantic_ids.repair import repair_paths

LOG = logging.getLogger(__name__)

Mode = Literal["unique", "suffix", "allow"]
MAX_SUFFIX = 32_768  # codes are int16


@dataclass(frozen=True)
class Unique:
    """Codes after collisions were settled.

    Attributes:
        codes: (N, L) int16, or (N, L + 1) with a suffix level.
        sizes: Codes per level, the suffix level included.
        facts: The numbers of the repair, JSON-able.
    """

    codes: np.ndarray
    sizes: tuple[int, ...]
    facts: dict[str, Any]


def make_unique(
    quantizer: Quantizer,
    latents: np.ndarray,
    codes: np.ndarray,
    item_ids: pa.Array,
    mode: Mode = "unique",
    held: np.ndarray | None = None,
) -> Unique:
    """Settle collisions; the result of an item does not depend on the order of the rows.

    `unique` keeps the nearest item (a held one first) on a shared path, gives the others the optimal free codes of
    the last level, and searches further paths, cheapest first, for what does not fit. `suffix` appends the rank
    within the path, by item id (TIGER). `allow` leaves collisions.

    Shapes: N items, d latent dimensions, L levels.

    Args:
        quantizer: Its codebooks give the cost of a path: squared error plus biases.
        latents: Encoded items, (N, d), float32.
        codes: The paths that items ask for, (N, L). In `suffix` mode a further column, if there is one, holds the
            suffixes of held rows.
        item_ids: Distinct ids, (N,).
        mode: What to do about collisions.
        held: Rows whose path is pinned, (N,) bool; None pins none.

    Returns:
        The codes; facts: mode, items, sizes, unique, natural_unique_share (distinct paths asked for over items),
        max_bucket (most items on one path asked for), repaired_share (items that left the path they asked for),
        overflow_items (of these, moved out of their prefix), distortion_ratio (squared error, given over asked for).

    Raises:
        ConfigError: If a suffix exceeds int16.
        DataContractError: If there are more items than paths.
        ShapeError: If rows differ in number or an item id repeats.

    Source: TIGER's suffix, Rajput et al. 2023, arXiv 2305.05065; conflict-free semantic paths, arXiv 2509.16446.
    """
    levels = len(quantizer.codebooks)
    order = _canonical_order(item_ids, len(latents), len(codes))
    pinned = np.zeros(len(codes), bool) if held is None else held[order]
    asked = np.asarray(codes[order, :levels], dtype=np.int16)
    sizes = tuple(len(codebook) for codebook in quantizer.codebooks)
    given = asked
    match mode:
        case "unique":
            check_room(len(asked), sizes, mode)
            given = repair_paths(quantizer, latents[order], asked, pinned)
        case "suffix":
            given = add_suffix(asked, _pinned_suffixes(codes[order], pinned, levels))
            sizes = (*sizes, int(given[:, levels].max(initial=0)) + 1)
    if mode != "allow":
        _prove_unique(given)
    facts = {"mode": mode, "items": len(asked), "sizes": list(sizes), **_facts(quantizer, latents[order], asked, given)}
    result = np.empty_like(given)
    result[order] = given
    LOG.info(
        "unique: %d items, %.1f%% distinct before, %.1f%% moved, distortion x%.4f",
        len(asked), 100 * facts["natural_unique_share"], 100 * facts["repaired_share"], facts["distortion_ratio"],
    )  # fmt: skip
    return Unique(result, sizes, facts)


def add_suffix(codes: np.ndarray, pinned: np.ndarray | None = None) -> np.ndarray:
    """Codes with one more level: the rank within the path, in row order (TIGER).

    Args:
        codes: (N, L), rows in item id order.
        pinned: Suffixes that stay as they are, -1 for rows that get one, (N,). New suffixes follow the highest
            pinned one of their path, so a gap below it stays open; above it suffixes are free again, as the paths of
            items that left are in mode `unique`.

    Returns:
        (N, L + 1) int16.

    Raises:
        ConfigError: If a suffix exceeds int16.
    """
    path = prefixes(codes)
    suffix = np.full(len(codes), -1) if pinned is None else pinned.astype(np.int64)
    following = np.zeros(len(codes), np.int64)
    np.maximum.at(following, path, suffix + 1)
    new = np.flatnonzero(suffix < 0)
    by_path = new[np.argsort(path[new], kind="stable")]
    _, starts, counts = np.unique(path[by_path], return_index=True, return_counts=True)
    suffix[by_path] = following[path[by_path]] + np.arange(len(by_path)) - np.repeat(starts, counts)
    if suffix.max(initial=0) >= MAX_SUFFIX:
        raise ConfigError(
            f"semantic_ids.uniqueness=suffix: {int(suffix.max()) + 1:,} items share one path; allowed {MAX_SUFFIX:,}. "
            "Use uniqueness=unique, or larger quantizer.codebooks."
        )
    return np.column_stack([codes, suffix]).astype(np.int16)


def squared_errors(quantizer: Quantizer, latents: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Squared distance of each latent to its path's sum of code vectors, (N,) float64; a suffix level is ignored."""
    residual = latents - quantizer.quantise(codes[:, : len(quantizer.codebooks)])
    errors: np.ndarray = np.einsum("nd,nd->n", residual, residual, dtype=np.float64)
    return errors


def distortion_ratio(quantizer: Quantizer, latents: np.ndarray, codes: np.ndarray, best: np.ndarray) -> float:
    """Squared error of paths over that of the paths asked for; both zero gives 1."""
    floor = 1e-9 * float(np.einsum("nd,nd->", latents, latents, dtype=np.float64)) + 1e-30
    wanted = float(squared_errors(quantizer, latents, best).sum())
    return (float(squared_errors(quantizer, latents, codes).sum()) + floor) / (wanted + floor)


def _canonical_order(item_ids: pa.Array, *rows: int) -> np.ndarray:
    if any(count != len(item_ids) for count in rows):
        raise ShapeError(
            f"make_unique: {len(item_ids)} item ids, but latents and codes have {rows} rows; give one each."
        )
    if pc.count_distinct(item_ids).as_py() != len(item_ids):
        raise ShapeError(f"make_unique: an item id repeats among {len(item_ids)}; give each item one row.")
    return np.asarray(pc.sort_indices(item_ids), dtype=np.int64)


def _pinned_suffixes(codes: np.ndarray, pinned: np.ndarray, levels: int) -> np.ndarray:
    if codes.shape[1] == levels:
        return np.full(len(codes), -1)
    return np.where(pinned, codes[:, levels], -1)


def _prove_unique(codes: np.ndarray) -> None:
    """The post-condition, checked on every run and not by assert, which -O removes."""
    distinct = len(np.unique(prefixes(codes)))
    if distinct != len(codes):
        raise RuntimeError(
            f"make_unique: {len(codes) - distinct} of {len(codes)} items still share a path; report this."
        )


def _facts(quantizer: Quantizer, latents: np.ndarray, asked: np.ndarray, given: np.ndarray) -> dict[str, Any]:
    items, levels = max(len(asked), 1), asked.shape[1]
    counts = np.unique(prefixes(asked), return_counts=True)[1]
    moved = (given[:, :levels] != asked).any(axis=1)
    left = (given[:, : levels - 1] != asked[:, : levels - 1]).any(axis=1)
    return {
        "unique": len(np.unique(prefixes(given))) == len(given),
        "natural_unique_share": len(counts) / items if len(asked) else 1.0,
        "max_bucket": int(counts.max(initial=0)),
        "repaired_share": int(moved.sum()) / items,
        "overflow_items": int(left.sum()),
        "distortion_ratio": distortion_ratio(quantizer, latents, given, asked),
    }
