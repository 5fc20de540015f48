"""Which held-out pairs are a test of codes."""

import numpy as np

from sidflow.quantizer.baselines import fit_random
from sidflow.quantizer.diagnostics import describe_codes, diagnose
from sidflow.quantizer.heldout import heldout_ends
from tests.quantizer.samples import clustered, linked

COPIES = np.array([0, 0, 2, 3, 4, 4])


def ends(
    pairs: list[tuple[int, int]], heldout: list[bool], copies: np.ndarray | None = COPIES
) -> list[tuple[int, int]]:
    """What is left, as tuples."""
    left, right = heldout_ends(linked(pairs, heldout), copies)
    return list(zip(left.tolist(), right.tolist(), strict=True))


def test_pairs_that_were_learned_from_are_left_out() -> None:
    """Held-out ones stay, under their own names."""
    assert ends([(1, 3), (2, 3)], [True, False]) == [(1, 3)]
    assert ends([(1, 3), (2, 3)], [True, False], None) == [(1, 3)]


def test_two_copies_of_one_vector_are_no_test() -> None:
    """Every quantiser gives them one code."""
    assert ends([(0, 1), (0, 2)], [True, True]) == [(0, 2)]
    assert ends([(0, 1), (0, 2)], [True, True], None) == [(0, 1), (0, 2)]


def test_a_pair_whose_copies_were_learned_from_is_no_test() -> None:
    """Whichever end the copy is at, and however the pair is turned."""
    assert ends([(0, 2), (1, 2), (3, 5)], [True, False, True]) == [(3, 5)]
    assert ends([(2, 5), (2, 4)], [True, False]) == []
    assert ends([(1, 4), (0, 5)], [True, False]) == []


def test_cohesion_of_codes_that_know_nothing_is_chance_beside_copies() -> None:
    """Forty held-out pairs of copies, as hits, would make random codes look like a quantiser that learned."""
    vectors = np.vstack([clustered(200), clustered(40)])
    pairs = linked([(k, 200 + k) for k in range(40)] + [(k, k + 1) for k in range(50, 190)], [True] * 180)
    facts = diagnose(fit_random(vectors, (8, 8), seed=0), vectors, pairs)
    assert facts["cohesion"][0]["pairs"] == 140
    assert facts["cohesion"][0]["share"] < 0.25


def test_nothing_left_is_nothing_measured() -> None:
    """Only pairs of copies: there is no share to tell."""
    codes = np.zeros((6, 2), np.int16)
    assert describe_codes(codes, (2, 2), linked([(0, 1)], [True]), copies=COPIES)["cohesion"] is None
