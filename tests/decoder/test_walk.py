"""The compiled loops of a search, written out by hand; their heaps, against sorting."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.decoder.mask import make_mask
from sidflow.decoder.spread import choose
from sidflow.decoder.trie import build_trie
from sidflow.decoder.walk import accepts, empty_beam, empty_heaps, grow, items_under, least, push

TRIE = build_trie(np.array([[0, 0], [0, 2], [1, 1], [1, 2], [1, 2]]))
LOG_PROBS = np.log(np.array([[[0.5, 0.1, 0.4], [0.2, 0.3, 0.5]]], np.float32))
NO_GROUPS = np.zeros((1, 2), np.int64)


def first_level(width: int = 2):
    """Both first codes, of probability 0.6 and 0.4."""
    beam = empty_beam(1, 1)
    beam.scores[:] = 0
    likely = np.log(np.array([[[0.6, 0.4]]], np.float32))
    return grow(beam, likely, TRIE.levels[0], make_mask(TRIE), NO_GROUPS[:, :1], width, width)


def test_a_beam_grows_by_its_best_children_in_sid_order() -> None:
    """0.6 x 0.5, 0.6 x 0.4 and 0.4 x 0.5 are the best three; each knows its code and where it came from."""
    grown = grow(first_level(), LOG_PROBS, TRIE.levels[1], make_mask(TRIE), NO_GROUPS, 3, 3)
    assert np.allclose(np.exp(grown.scores), [[0.30, 0.24, 0.20]])
    assert (grown.nodes.tolist(), grown.codes.tolist(), grown.parents.tolist()) == (
        [[0, 1, 3]],
        [[0, 2, 2]],
        [[0, 0, 1]],
    )


def test_a_group_has_only_so_much_room() -> None:
    """With room for one prefix of each first code, the best of either is kept, and the third place stays empty."""
    grown = grow(first_level(), LOG_PROBS, TRIE.levels[1], make_mask(TRIE), np.array([[0, 1]]), 1, 3)
    assert np.allclose(np.exp(grown.scores), [[0.30, 0.20, 0.0]])
    assert grown.nodes.tolist() == [[0, 3, 0]]


def test_what_a_mask_closes_is_not_entered() -> None:
    """Neither a prefix without allowed items, nor one whose items a history has all had."""
    closed = make_mask(TRIE, np.array([False, True, True, True, True])).without(TRIE, np.array([[3, 4]]))
    grown = grow(first_level(), LOG_PROBS, TRIE.levels[1], closed, NO_GROUPS, 3, 3)
    assert np.allclose(np.exp(grown.scores), [[0.24, 0.12, 0.0]])


def test_items_under_a_beam() -> None:
    """All items of a shared SID, less what a history has had; -1 behind the last."""
    grown = grow(first_level(), LOG_PROBS, TRIE.levels[1], make_mask(TRIE), NO_GROUPS, 3, 3)
    for gone, expected in (([[-1]], ([0, 1, 3, 4], [0, 1, 2, 2])), ([[3]], ([0, 1, 4, -1], [0, 1, 2, -1]))):
        places, under = items_under(grown, TRIE.levels[-1], make_mask(TRIE).without(TRIE, np.array(gone)))
        assert (places.tolist(), under.tolist()) == ([expected[0]], [expected[1]])


def test_the_best_of_each_group_are_chosen() -> None:
    """At most two of a group, ties to the earlier place; -inf is never chosen."""
    scores = np.array([[1.0, 5.0, 5.0, 5.0, 2.0, -np.inf]], np.float32)
    groups = np.array([[7, 3, 3, 3, 7, 0]])
    assert choose(scores, groups, 5, 2).tolist() == [[1, 2, 4, 0, -1]]
    assert choose(scores, groups, 5, 5).tolist() == [[1, 2, 3, 4, 0]]
    assert choose(scores, groups, 2, 5).tolist() == [[1, 2]]


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), max_size=60), st.integers(1, 9), st.randoms(use_true_random=False))
def test_the_best_stay_whatever_the_order(scores: list[int], most: int, random: object) -> None:
    """The `most` highest scores, ties to the lower node, in any order of arrival."""
    heaps = empty_heaps(2, most)
    nodes = list(range(len(scores)))
    random.shuffle(nodes)  # type: ignore[attr-defined]
    for node in nodes:
        if accepts(heaps, 1, np.float32(scores[node]), node):
            push(heaps, 1, np.float32(scores[node]), node)
    expected = sorted((-score, node) for node, score in enumerate(scores))[:most]
    assert sorted(heaps.nodes[1, : heaps.sizes[1]].tolist()) == sorted(node for _, node in expected)
    assert heaps.sizes.tolist() == [0, len(expected)]
    assert least(heaps, 1) == (-expected[-1][0] if len(expected) == most else -np.inf)


def test_nothing_is_no_score() -> None:
    """Neither -inf nor NaN finds room, not even in an empty heap."""
    heaps = empty_heaps(1, 3)
    assert not accepts(heaps, 0, np.float32(-np.inf), 0) and not accepts(heaps, 0, np.float32(np.nan), 0)
    assert accepts(heaps, 0, np.float32(-1e30), 0)
