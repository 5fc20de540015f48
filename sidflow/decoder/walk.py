"""How a beam goes through a trie: the compiled loops of a search, one history after another.

They stand in one file because numba's cache takes no notice of changes to a function of another.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from sidflow.decoder.mask import Mask
from sidflow.decoder.trie import Level


class Beam(NamedTuple):
    """The prefixes kept at a level, in SID order: B histories, W places each.

    Attributes:
        scores: Log-probability of each prefix, (B, W) float32; -inf where a place is empty, behind all others.
        nodes: The prefix, as the level counts them, (B, W) int64.
        parents: Place of the beam before from which it goes on, (B, W) int64.
        codes: Its last code, (B, W) int64.
    """

    scores: np.ndarray
    nodes: np.ndarray
    parents: np.ndarray
    codes: np.ndarray


class Heaps(NamedTuple):
    """Up to M scored nodes in each of G groups, the worst of a group first. Ties go to the lower node.

    Attributes:
        scores: (G, M) float32.
        nodes: (G, M) int64.
        sizes: How many there are, (G,) int64.
    """

    scores: np.ndarray
    nodes: np.ndarray
    sizes: np.ndarray


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def empty_beam(rows: int, width: int) -> Beam:
    """A beam of empty places; with width 1 and scores of 0 it holds the empty prefix."""
    return Beam(
        np.full((rows, width), np.float32(-np.inf)),
        np.zeros((rows, width), np.int64),
        np.zeros((rows, width), np.int64),
        np.zeros((rows, width), np.int64),
    )


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def grow(
    beam: Beam, log_probs: np.ndarray, level: Level, mask: Mask, groups: np.ndarray, room: int, width: int
) -> Beam:
    """The best prefixes that go on from those of a beam and under which a history may get an item.

    Shapes: B histories, W places, K codes.

    Args:
        beam: Of the level before.
        log_probs: Of the next code of each place, (B, W, K) float32.
        level: The prefixes to choose from.
        mask: Items that may be returned.
        groups: Group of each place, counted from 0, (B, W) int64.
        room: Most prefixes of a group.
        width: Most prefixes of all; ties go to the lower SID.
    """
    grown: Beam = empty_beam(len(beam.scores), width)
    for row in range(len(beam.scores)):
        kept = empty_heaps(groups[row].max() + 1, room)
        for place in np.argsort(-beam.scores[row]):  # best first: soon nothing more is good enough
            score, group, likely = beam.scores[row, place], groups[row, place], log_probs[row, place]
            floor = least(kept, group)
            if score == -np.inf or score < floor:
                continue
            node = beam.nodes[row, place]
            for child in range(level.children[node], level.children[node + 1]):
                total = score + likely[level.codes[child]]
                if total < floor or not accepts(kept, group, total, child):
                    continue
                if is_open(mask, row, level.begins[child], level.begins[child + 1]):
                    push(kept, group, total, child)
                    floor = least(kept, group)
        _settle(grown, row, _best_of_all(kept, width), beam, level)
    return grown


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _best_of_all(kept: Heaps, width: int) -> Heaps:
    """One heap of all groups' best."""
    if len(kept.sizes) == 1 and kept.scores.shape[1] == width:
        return kept
    best: Heaps = empty_heaps(1, width)
    for group in range(len(kept.sizes)):
        for place in range(kept.sizes[group]):
            if accepts(best, 0, kept.scores[group, place], kept.nodes[group, place]):
                push(best, 0, kept.scores[group, place], kept.nodes[group, place])
    return best


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _settle(grown: Beam, row: int, best: Heaps, beam: Beam, level: Level) -> None:
    """Write a row of a beam, in SID order, with the parents that follow from it."""
    size, parent = best.sizes[0], 0
    order = np.argsort(best.nodes[0, :size])
    for place in range(size):
        node = best.nodes[0, order[place]]
        while node >= level.children[beam.nodes[row, parent] + 1]:
            parent += 1
        grown.scores[row, place], grown.nodes[row, place] = best.scores[0, order[place]], node
        grown.parents[row, place], grown.codes[row, place] = parent, level.codes[node]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def items_under(beam: Beam, level: Level, mask: Mask) -> tuple[np.ndarray, np.ndarray]:
    """The items of the last level's beam that a history may get.

    Returns:
        Their places in the order of all, ascending, and the beam's places they are under, (B, C) int64 each; both -1
        behind the last.
    """
    rows, places = beam.scores.shape
    most = 1
    for row in range(rows):
        count = 0
        for place in range(places):
            if beam.scores[row, place] > -np.inf:
                count += level.begins[beam.nodes[row, place] + 1] - level.begins[beam.nodes[row, place]]
        most = max(most, count)
    found, under = np.full((rows, most), -1), np.full((rows, most), -1)
    for row in range(rows):
        count = 0
        for place in range(places):
            if beam.scores[row, place] > -np.inf:
                node = beam.nodes[row, place]
                for item in range(level.begins[node], level.begins[node + 1]):
                    if is_open(mask, row, item, item + 1):
                        found[row, count], under[row, count] = item, place
                        count += 1
    return found, under


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def is_open(mask: Mask, row: int, first: int, last: int) -> bool:
    """Whether a history may get any item at the places [first, last)."""
    count = mask.before[last] - mask.before[first]
    if count == 0 or len(mask.excluded) == 0 or count > mask.excluded.shape[1]:
        return bool(count > 0)
    gone = mask.excluded[row]
    return bool(count > np.searchsorted(gone, last) - np.searchsorted(gone, first))


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def empty_heaps(groups: int, most: int) -> Heaps:
    """Heaps without anything in them."""
    return Heaps(np.empty((groups, most), np.float32), np.empty((groups, most), np.int64), np.zeros(groups, np.int64))


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def least(heaps: Heaps, group: int) -> float:
    """A score below which a group accepts nothing."""
    full = heaps.sizes[group] == heaps.scores.shape[1]
    return float(heaps.scores[group, 0]) if full else -np.inf


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def accepts(heaps: Heaps, group: int, score: float, node: int) -> bool:
    """Whether a group has room for a node, or one that is worse; it never has for a score of -inf or NaN."""
    if not score > -np.inf:
        return False
    full = heaps.sizes[group] == heaps.scores.shape[1]
    return not full or _worse(heaps.scores[group, 0], heaps.nodes[group, 0], score, node)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def push(heaps: Heaps, group: int, score: float, node: int) -> None:
    """Add a node that a group accepts; of a full group the worst leaves."""
    scores, nodes, size = heaps.scores[group], heaps.nodes[group], heaps.sizes[group]
    if size < len(scores):
        heaps.sizes[group] += 1
        _rise(scores, nodes, size, score, node)
    else:
        _sink(scores, nodes, size, score, node)


@njit(nogil=True, cache=True)
def _rise(scores, nodes, place, score, node):  # type: ignore[no-untyped-def]
    """Put a node where a free place, the last, was, and let it pass what is better above it."""
    while place > 0:
        above = (place - 1) // 2
        if not _worse(score, node, scores[above], nodes[above]):
            break
        scores[place], nodes[place] = scores[above], nodes[above]
        place = above
    scores[place], nodes[place] = score, node


@njit(nogil=True, cache=True)
def _sink(scores, nodes, size, score, node):  # type: ignore[no-untyped-def]
    """Put a node in the place of the first, and let it pass what is worse below it."""
    place, below = 0, 1
    while below < size:
        if below + 1 < size and _worse(scores[below + 1], nodes[below + 1], scores[below], nodes[below]):
            below += 1
        if not _worse(scores[below], nodes[below], score, node):
            break
        scores[place], nodes[place] = scores[below], nodes[below]
        place, below = below, 2 * below + 1
    scores[place], nodes[place] = score, node


@njit(nogil=True, cache=True)
def _worse(score, node, than, other):  # type: ignore[no-untyped-def]
    return score < than or (score == than and node > other)
