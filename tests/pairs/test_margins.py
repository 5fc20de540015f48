"""What chance predicts, by hand."""

import numpy as np
import pytest

from sidflow.pairs.margins import make_margins

A, B = np.array([0]), np.array([1])
PAIR_MARGINS, ITEM_USERS = np.array([3, 4, 7]), np.array([2, 5, 3])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("pair", 3 * 4 / (2 * 7)),
        ("kappa", 2 * 5 * 7 / (2 * 5 + 2 * 3 + 5 * 3)),
        ("user", 2 * 5 / 20),
    ],
)
def test_by_hand(kind: str, expected: float):
    """T = 7, 20 users; kappa rescales so that all pairs of items add up to T."""
    margins = make_margins(kind, PAIR_MARGINS, 7, ITEM_USERS, 20)
    assert margins.expected(A, B) == pytest.approx([expected])


def test_kappa_adds_up():
    """The expectations of all pairs are the tokens that there are."""
    a, b = np.triu_indices(3, 1)
    assert make_margins("kappa", PAIR_MARGINS, 7, ITEM_USERS, 20).expected(a, b).sum() == pytest.approx(7)


def test_products_beyond_int64():
    """Margins whose product does not fit."""
    big = np.array([2**40, 2**40])
    assert make_margins("pair", big, 2**41, big, 2**40).expected(A, B).tolist() == [2.0**38]


@pytest.mark.parametrize("kind", ["pair", "kappa", "user"])
def test_nothing_observed(kind: str):
    """No pair, no user: nothing is expected."""
    nothing = np.zeros(2, np.int64)
    assert make_margins(kind, nothing, 0, nothing, 0).expected(A, B).tolist() == [0.0]
