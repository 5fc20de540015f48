"""Co-occurrence counts: one dense counter per item over an inverted index.

No pair token is ever written down. For an item i the kernel walks i's occurrences, looks as far to both sides as the
log says and counts every item j > i it meets in one cell of a dense array; then it emits i's pairs and clears the cells
it touched. Memory is that array, the inverted index of one item range and the pairs that reach `min_support`.
"""

from typing import NamedTuple

import numpy as np

from sidflow.pairs.kernel import count_range
from sidflow.pairs.log import Log, count_events, frozen


class HalfLives(NamedTuple):
    """How decayed support forgets, in days; infinity: not at all."""

    gap: float  # between the two events of a pair
    age: float  # since the later of the two


class Counts(NamedTuple):
    """Pairs with a in one item range, and what every pair of the range adds to the margins.

    Shapes: m pairs with at least `min_support`, sorted by (a, b); N items.
    """

    a: np.ndarray  # (m,) int32
    b: np.ndarray  # (m,) int32, b > a
    support: np.ndarray  # (m,) int32, distinct users
    decayed: np.ndarray  # (m,) float32, sum over users of each one's freshest co-occurrence; empty if not asked for
    margins: np.ndarray  # (N,) int64: c_i = sum_j support_ij over all observed pairs, before any is dropped
    tokens: int  # T = sum of support over all observed pairs
    observed: int  # distinct pairs, before any is dropped


def count_pairs(
    log: Log,
    n_items: int,
    min_support: int = 1,
    item_range: tuple[int, int] | None = None,
    half_lives: HalfLives | None = None,
) -> Counts:
    """Distinct users in whose history two items co-occur.

    A user counts once per unordered pair however often the items repeat; an item never pairs with itself.

    Args:
        log: The events, n, and how far each looks.
        n_items: N, the size of the catalogue.
        min_support: Pairs below it enter the margins only.
        item_range: Count the pairs whose smaller item lies in [low, high); all by default. Ranges that split
            [0, N) give, concatenated, exactly the rows of a single call.
        half_lives: Also sum decayed support: per user and pair the largest 2^-(gap / gap_half_life + age /
            age_half_life) of its co-occurrences. The log needs `ages`.

    Raises:
        ShapeError: If the log's arrays and n_items do not fit together.
    """
    log.check(n_items)
    return _count_range(log, n_items, min_support, item_range or (0, n_items), half_lives)


def count_partition(
    item_range: tuple[int, int],
    window: int,
    n_items: int,
    min_support: int,
    half_lives: HalfLives | None,
    offsets: np.ndarray,
    items: np.ndarray,
    *others: np.ndarray,
) -> Counts:
    """`count_pairs` of one partition of a log that has been checked, as its arrays: these reach a worker one by one."""
    return _count_range(Log(offsets, items, window, *others), n_items, min_support, item_range, half_lives)


def _count_range(
    log: Log, n_items: int, min_support: int, item_range: tuple[int, int], half_lives: HalfLives | None
) -> Counts:
    lives = half_lives or HalfLives(np.inf, np.inf)
    ages = log.ages[:0] if half_lives is None else log.ages
    arrays = (frozen(log.offsets), frozen(log.items), frozen(log.back), frozen(log.ahead), frozen(ages))
    return Counts(*count_range(*arrays, log.window, lives, n_items, *item_range, min_support))


def item_ranges(items: np.ndarray, n_items: int, partitions: int) -> list[tuple[int, int]]:
    """Split [0, n_items) into at most `partitions` non-empty ranges of about equally many events.

    Args:
        items: Item indices of all events, (n,), int32.
        n_items: N, the size of the catalogue.
        partitions: Most ranges; fewer come back where single items outweigh a range.
    """
    until = np.cumsum(count_events(items, n_items))
    share = len(items) / partitions
    cuts = np.searchsorted(until, share * np.arange(1, partitions), side="left") + 1
    edges = np.unique(np.concatenate(([0], np.minimum(cuts, n_items), [n_items])))
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)) or [(0, n_items)]
