"""Why an item was recommended, in words."""

from collections.abc import Sequence

import numpy as np

from sidflow.semantic_ids.table import SidTable


def explain_item(item: int, history: np.ndarray, sids: SidTable, titles: Sequence[str]) -> str:
    """The longest SID prefix that an item shares with a history, by topic, and the newest item that shares it.

    Args:
        item: Catalogue index.
        history: Catalogue indices, oldest first, at least one.
        sids: SIDs, with topic names or without.
        titles: Titles by catalogue index.
    """
    depths = np.logical_and.accumulate(sids.codes[history] == sids.codes[item], axis=1).sum(1)
    depth = int(depths.max())
    if not depth:
        return "follows from the history as a whole; shares no code with it"
    like = int(history[np.flatnonzero(depths == depth)[-1]])
    prefix = "-".join(str(code) for code in sids.codes[item, :depth])
    topic = f" ({sids.topics[item][depth - 1]})" if sids.topics else ""
    return f"shares {prefix}{topic} with {titles[like]}"
