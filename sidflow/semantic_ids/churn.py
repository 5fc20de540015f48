"""How much of the previous SID table a new one changes."""

from typing import Any

import numpy as np
import pyarrow as pa

from sidflow.semantic_ids.table import SidTable, positions


def measure_churn(
    previous: SidTable | None, item_ids: pa.Array, codes: np.ndarray, popularity: np.ndarray | None = None
) -> dict[str, Any]:
    """Shares of common items whose SID changed.

    Args:
        previous: The table before; None counts every item as new.
        item_ids: The items now, (N,).
        codes: Their codes now, (N, L).
        popularity: Training interactions per item, (N,); None leaves the traffic shares out.

    Returns:
        common_items, new_items, removed_items; churn (share of common items whose whole SID changed) and
        churn_by_level (share whose prefix up to that level changed); the same weighted by popularity as
        churn_traffic and churn_traffic_by_level. A SID with another number of levels counts as changed.
    """
    if previous is None:
        return {"common_items": 0, "new_items": len(item_ids), "removed_items": 0, "churn": 0.0, "churn_by_level": []}
    at = positions(item_ids, previous.item_ids)
    known = np.flatnonzero(at >= 0)
    changed = changed_prefixes(previous.codes[at[known]], codes[known])
    whole = changed[:, -1] if previous.codes.shape[1] == codes.shape[1] else np.ones(len(known), bool)
    facts: dict[str, Any] = {
        "common_items": len(known),
        "new_items": len(item_ids) - len(known),
        "removed_items": len(previous.item_ids) - len(known),
        "churn": _share(whole, None),
        "churn_by_level": [_share(column, None) for column in changed.T],
    }
    if popularity is not None:
        weight = np.asarray(popularity, np.float64)[known]
        facts["churn_traffic"] = _share(whole, weight)
        facts["churn_traffic_by_level"] = [_share(column, weight) for column in changed.T]
    return facts


def changed_prefixes(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Whether the prefix up to each common level differs, (n, min(L_old, L_new)) bool."""
    levels = min(old.shape[1], new.shape[1])
    return np.logical_or.accumulate(old[:, :levels] != new[:, :levels], axis=1)


def _share(flags: np.ndarray, weight: np.ndarray | None) -> float:
    weights = np.ones(len(flags)) if weight is None else weight
    total = float(weights.sum())
    return float(weights[flags].sum()) / total if total else 0.0
