"""Stage `pairs`: from training histories to the pairs that carry information."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sidflow.config.learning import PairsConfig
from sidflow.durations import duration_us
from sidflow.histories.table import Histories, training_events
from sidflow.pairs.base import load_base, save_base
from sidflow.pairs.cluster import open_workers
from sidflow.pairs.count import Counts, HalfLives, count_partition, item_ranges
from sidflow.pairs.facts import pair_facts
from sidflow.pairs.incremental import counts_of, join_counts, update_counts
from sidflow.pairs.log import DAY_US, Log, count_events, count_users, recent_log
from sidflow.pairs.margins import Margins, make_margins
from sidflow.pairs.screen import Screened, Summary, add_up, screen_pairs, summarise
from sidflow.pairs.select import select_pairs
from sidflow.pairs.significance import fdr_bound, item_pair_tests
from sidflow.pairs.table import Pairs
from sidflow.pairs.workers import InProcess, Workers

logger = logging.getLogger(__name__)


def mine_pairs(
    histories: Histories,
    config: PairsConfig,
    on_progress: Callable[[int, int], None] | None = None,
    cache: Path | None = None,
) -> tuple[Pairs, dict[str, Any]]:
    """Count co-occurrences in the training parts of all histories and keep the pairs that chance does not explain.

    The rows are the same for any number of workers or partitions, and with or without a cache.

    Args:
        histories: All users; only their training events are read.
        config: Section `pairs`.
        on_progress: Called with (partitions counted, partitions).
        cache: Folder for the counts that `incremental` keeps from run to run.

    Returns:
        The pairs, and the stage's facts (`pair_facts`).

    Raises:
        ConfigError: If `dask.scheduler` does not answer or has no workers.
        SidflowError: If workers keep dying, as they do when memory is too small.
    """
    n_items = len(histories.item_ids)
    log = _training_log(histories, config)
    users, item_users = count_users(log, n_items)
    tests = item_pair_tests(item_users, config.min_support)

    def screened_by(workers: Workers, counted: list[Any], summary: Summary) -> tuple[Summary, Margins, Screened]:
        margins = make_margins(config.margins, summary.margins, summary.tokens, item_users, users)
        bound = max(config.topup_p, fdr_bound(summary.candidates, tests, config.fdr))
        return summary, margins, _screen(workers, counted, margins, bound)

    incremental = config.incremental and _half_lives(config) is None
    if config.incremental and not incremental:
        logger.warning("pairs: incremental is set aside, because half-lives change every count from day to day.")
    if incremental and cache is not None:
        counts = _kept_counts(histories, log, config, cache, on_progress)
        summary, margins, screened = screened_by(InProcess(), [counts], summarise(counts))
    else:
        with open_workers(config.dask) as workers:
            counted, summary = count_log(workers, log, n_items, config, config.min_support, on_progress)
            summary, margins, screened = screened_by(workers, counted, summary)
    selection = select_pairs(screened, margins, tests, histories.item_ids, config)
    item_events = count_events(log.items, n_items)
    facts = pair_facts(selection, summary, screened.coverable, item_events, tests)
    logger.info(
        "pairs: %d users, %d events -> %d observed -> %d significant + %d top-up, %d of %d items covered",
        users, len(log.items), summary.observed, facts["significant"], facts["topup"],
        facts["items_covered"], facts["items_coverable"],
    )  # fmt: skip
    return selection.pairs, facts


def _kept_counts(
    histories: Histories,
    log: Log,
    config: PairsConfig,
    cache: Path,
    on_progress: Callable[[int, int], None] | None,
) -> Counts:
    """All counts, by way of what the last run kept; this run's are kept in turn."""
    user_ids, item_ids = histories.user_ids, histories.item_ids
    if isinstance(user_ids, pa.ChunkedArray):
        user_ids = user_ids.combine_chunks()
    settings = json.dumps([config.window, config.max_gap, config.session_gap, config.max_history])
    base = load_base(cache, settings)
    updated = None if base is None else update_counts(base, user_ids, item_ids, log)
    if updated is None:
        with open_workers(config.dask) as workers:
            counted, _ = count_log(workers, log, len(item_ids), config, 1, on_progress)
            updated = join_counts(user_ids, item_ids, log, workers.fetch(counted))
    save_base(updated, cache, settings)
    return counts_of(updated, config.min_support)


def _training_log(histories: Histories, config: PairsConfig) -> Log:
    return recent_log(
        *training_events(histories),
        max_history=config.max_history,
        window=config.window,
        max_gap_us=_microseconds(config.max_gap),
        session_gap_us=_microseconds(config.session_gap),
        with_ages=_half_lives(config) is not None,
    )


def _half_lives(config: PairsConfig) -> HalfLives | None:
    gap, age = _microseconds(config.gap_half_life), _microseconds(config.age_half_life)
    if gap is None and age is None:
        return None
    return HalfLives(*(np.inf if each is None else each / DAY_US for each in (gap, age)))


def _microseconds(duration: str | None) -> int | None:
    return None if duration is None else duration_us(duration)


def count_log(
    workers: Workers,
    log: Log,
    n_items: int,
    config: PairsConfig,
    min_support: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Any], Summary]:
    """First round: counts stay with the workers, margins and totals are added up here."""
    log.check(n_items)
    arrays = [workers.share(each) for each in (log.offsets, log.items, log.back, log.ahead, log.ages)]
    settings = (log.window, n_items, min_support, _half_lives(config))
    calls = [(each, *settings, *arrays) for each in item_ranges(log.items, n_items, config.partitions)]
    counted = workers.map(count_partition, calls, on_progress)
    parts = workers.fetch(workers.map(summarise, [(each,) for each in counted]))
    return counted, add_up(parts)


def _screen(workers: Workers, counted: list[Any], margins: Margins, bound: float) -> Screened:
    """Second round: only pairs that either tier can still accept come here."""
    values = workers.share(margins.values)
    parts = workers.fetch(workers.map(screen_pairs, [(each, values, margins.scale, bound) for each in counted]))
    a, b, support, decayed, coverable = (list(column) for column in zip(*parts, strict=True))
    rows = [np.concatenate(column) for column in (a, b, support, decayed)]
    return Screened(rows[0], rows[1], rows[2], rows[3], np.any(coverable, axis=0))
