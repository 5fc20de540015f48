"""Which tested pairs are kept: the significant tier, the top-up for tail items, partner caps, weights, held-out."""

import hashlib
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit

from sidflow.config.learning import PairsConfig
from sidflow.pairs.margins import Margins
from sidflow.pairs.screen import Screened
from sidflow.pairs.significance import (
    fdr_threshold,
    log_tail_probability,
    lower_bound_pmi,
    pmi,
    tail_probability,
)
from sidflow.pairs.table import Pairs

MIN_WEIGHT = 1e-3  # a pair on the very bound still counts
MAX_WEIGHT = 4.0  # nats; a lift of e^4 = 55 is as good as certain
TOP_UP_TRUST = 0.5  # a top-up pair weighs half


class Selection(NamedTuple):
    """The kept pairs and how the significant tier came about."""

    pairs: Pairs
    p_cut: float  # largest p-value that the significant tier accepts
    passed: int  # pairs that pass it, before the partner cap
    eligible: int  # pairs that may top up an item that needs it


def select_pairs(
    candidates: Screened,
    margins: Margins,
    tests: int,
    item_ids: pa.Array,
    config: PairsConfig,
) -> Selection:
    """Keep what is significant, then top up items that have too few partners.

    Both tiers are filled from the smallest p-value upwards (ties by item index), so that no item exceeds
    `max_partners`. A top-up pair enters while one of its items has fewer than `topup_partners`.

    Args:
        candidates: The pairs worth testing, m: at least all that reach `min_support` and `fdr_bound` or `topup_p`.
        margins: What chance predicts, over N items.
        tests: Number of hypotheses.
        item_ids: (N,) string; the held-out sample depends on nothing else.
        config: Section `pairs`.
    """
    a, b, support = candidates[:3]
    expected = margins.expected(a, b)
    p_value = tail_probability(support, expected, config.iota)
    p_cut = fdr_threshold(p_value, tests, config.fdr)
    passed = p_value <= p_cut
    eligible = ~passed & (tail_probability(support, expected) <= config.topup_p)
    partners = np.zeros(len(item_ids), np.int64)
    significant = np.zeros(len(a), np.bool_)
    kept = np.zeros(len(a), np.bool_)
    by_iota = log_tail_probability(support, expected, config.iota)
    by_zero = log_tail_probability(support, expected)
    _fill(a, b, _best_first(passed, by_iota), partners, config.max_partners, config.max_partners, significant)
    kept |= significant
    _fill(a, b, _best_first(eligible, by_zero), partners, config.topup_partners, config.max_partners, kept)
    certainty = lower_bound_pmi(support, expected, max(p_cut, config.topup_p))
    weight = np.clip(certainty, MIN_WEIGHT, MAX_WEIGHT) * np.where(significant, 1.0, TOP_UP_TRUST)
    decayed = candidates.decayed if len(candidates.decayed) else None
    if decayed is not None:
        weight = np.maximum(weight * decayed / support, MIN_WEIGHT)
    pairs = Pairs(
        a=a[kept],
        b=b[kept],
        support=support[kept],
        expected=expected[kept],
        pmi=pmi(support[kept], expected[kept]),
        p_value=p_value[kept],
        significant=significant[kept],
        weight=weight[kept].astype(np.float32),
        heldout=significant[kept] & held_out(a[kept], b[kept], item_ids, config.heldout_share),
        decayed=None if decayed is None else decayed[kept],
    )
    return Selection(pairs, p_cut, int(passed.sum()), int(eligible.sum()))


def held_out(a: np.ndarray, b: np.ndarray, item_ids: pa.Array, share: float) -> np.ndarray:
    """A fixed pseudo-random sample of pairs that depends on the two ids alone, so that every refresh draws it again.

    Args:
        a: Item indices, (m,).
        b: Item indices, (m,).
        item_ids: (N,) string.
        share: Expected share of the pairs in the sample, in [0, 1).

    Returns:
        Membership, (m,), bool.
    """
    used = np.unique(np.concatenate((a, b)))
    hashes = np.zeros(len(item_ids), np.uint64)
    hashes[used] = [_hash(item_id) for item_id in item_ids.take(pa.array(used)).to_pylist()]
    mixed = hashes[a] * np.uint64(0x9E3779B97F4A7C15) + hashes[b]  # ordered: a is the smaller id in every refresh
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64's finaliser
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)) < share * 2.0**53)


def _hash(item_id: str) -> int:
    return int.from_bytes(hashlib.blake2b(item_id.encode(), digest_size=8).digest(), "little")


def _best_first(chosen: np.ndarray, log_p: np.ndarray) -> np.ndarray:
    """Positions of the chosen pairs, smallest p first; candidates come sorted by (a, b), so a stable sort ends ties."""
    where = np.flatnonzero(chosen)
    return where[np.argsort(log_p[where], kind="stable")]


@njit(nogil=True, cache=True)
def _fill(a, b, order, partners, enough, most, accepted):  # type: ignore[no-untyped-def]
    """Accept pairs in order while an item has fewer than `enough` partners and neither has `most`; in place."""
    for pair in order:
        fewest, largest = partners[a[pair]], partners[b[pair]]
        if fewest > largest:
            fewest, largest = largest, fewest
        if fewest < enough and largest < most:
            accepted[pair] = True
            partners[a[pair]] += 1
            partners[b[pair]] += 1
