"""Stage `pairs`: from training histories to the pairs that carry information."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from sidflow.config.learning import PairsConfig
from sidflow.histories.table import Histories, training_events
from sidflow.pairs.cluster import open_workers
from sidflow.pairs.count import count_pairs, item_ranges, most_recent
from sidflow.pairs.facts import pair_facts
from sidflow.pairs.screen import Screened, Summary, screen_pairs, summarise
from sidflow.pairs.select import select_pairs
from sidflow.pairs.significance import fdr_bound, item_pair_tests
from sidflow.pairs.table import Pairs
from sidflow.pairs.workers import Workers

logger = logging.getLogger(__name__)


def mine_pairs(
    histories: Histories, config: PairsConfig, on_progress: Callable[[int, int], None] | None = None
) -> tuple[Pairs, dict[str, Any]]:
    """Count co-occurrences in the training parts of all histories and keep the pairs that chance does not explain.

    The rows are the same for any number of workers or partitions.

    Args:
        histories: All users; only their training events are read.
        config: Section `pairs`.
        on_progress: Called with (partitions counted, partitions).

    Returns:
        The pairs, and the stage's facts (`pair_facts`).

    Raises:
        ConfigError: If `dask.scheduler` does not answer or has no workers.
        SidflowError: If workers keep dying, as they do when memory is too small.
    """
    n_items = len(histories.item_ids)
    offsets, items, _ = training_events(histories)
    offsets, items = most_recent(offsets, items, config.max_history)
    item_events = np.bincount(items, minlength=n_items)
    tests = item_pair_tests(item_events, config.min_support)
    with open_workers(config.dask) as workers:
        counted, summary = _count(workers, offsets, items, n_items, config, on_progress)
        bound = max(config.topup_p, fdr_bound(summary.candidates, tests, config.fdr))
        screened = _screen(workers, counted, summary, bound)
    candidates = (screened.a, screened.b, screened.support)
    selection = select_pairs(candidates, summary.margins, summary.tokens, tests, histories.item_ids, config)
    facts = pair_facts(selection, summary, screened.coverable, item_events, tests)
    logger.info(
        "pairs: %d users, %d events -> %d observed -> %d significant + %d top-up, %d of %d items covered",
        len(offsets) - 1, len(items), summary.observed, facts["significant"], facts["topup"],
        facts["items_covered"], facts["items_coverable"],
    )  # fmt: skip
    return selection.pairs, facts


def _count(
    workers: Workers,
    offsets: np.ndarray,
    items: np.ndarray,
    n_items: int,
    config: PairsConfig,
    on_progress: Callable[[int, int], None] | None,
) -> tuple[list[Any], Summary]:
    """First round: counts stay with the workers, margins and totals are added up here."""
    ranges = item_ranges(items, n_items, config.partitions)
    log = workers.share(offsets), workers.share(items)
    calls = [(*log, n_items, config.window, config.min_support, each) for each in ranges]
    counted = workers.map(count_pairs, calls, on_progress)
    parts = workers.fetch(workers.map(summarise, [(each,) for each in counted]))
    return counted, Summary(
        margins=np.stack([part.margins for part in parts]).sum(axis=0),
        tokens=sum(part.tokens for part in parts),
        observed=sum(part.observed for part in parts),
        candidates=sum(part.candidates for part in parts),
    )


def _screen(workers: Workers, counted: list[Any], summary: Summary, bound: float) -> Screened:
    """Second round: only pairs that either tier can still accept come here."""
    margins = workers.share(summary.margins)
    parts = workers.fetch(workers.map(screen_pairs, [(each, margins, summary.tokens, bound) for each in counted]))
    a, b, support, coverable = zip(*parts, strict=True)
    return Screened(np.concatenate(a), np.concatenate(b), np.concatenate(support), np.any(coverable, axis=0))
