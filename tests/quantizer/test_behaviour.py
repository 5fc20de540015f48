"""What a quantiser remembers of pairs."""

import numpy as np
import pytest

from sidflow.quantizer.behaviour import Behaviour
from sidflow.quantizer.digests import row_digests

EMBEDDINGS = np.array([[1.0, 0], [0, 1], [1, 1]], np.float32)


def remember(vectors: list[list[float]]) -> Behaviour:
    """Behaviour of the first items above."""
    keys = row_digests(EMBEDDINGS[: len(vectors)])[:, 0]
    order = np.argsort(keys)
    return Behaviour(keys[order], np.array(vectors, np.float32)[order])


def test_each_half_is_half_of_a_squared_distance() -> None:
    """Text that differs by 2 and behaviour that differs by sqrt 2: (4 + 2) / 2."""
    both = remember([[1, 0], [0, 1]]).beside(np.array([[1.0], [-1.0]], np.float32), EMBEDDINGS[:2])
    assert np.square(both[0] - both[1]).sum() == pytest.approx(3)


def test_the_unknown_have_none() -> None:
    """In any order, and when nothing at all is remembered."""
    found = remember([[1, 0], [0, 1]]).of(EMBEDDINGS[::-1])
    assert found.tolist() == [[0, 0], [0, 1], [1, 0]]
    empty = Behaviour(np.zeros(0, np.uint64), np.zeros((0, 2), np.float32))
    assert empty.of(EMBEDDINGS).tolist() == [[0, 0]] * 3


def test_the_known_are_counted() -> None:
    """By bytes: embeddings that were made anew and differ in the last one are all unknown."""
    known = remember([[1, 0], [0, 1]])
    assert known.knows(EMBEDDINGS).tolist() == [True, True, False]
    assert not known.knows(np.nextafter(EMBEDDINGS, np.float32(9))).any()
    assert not Behaviour(np.zeros(0, np.uint64), np.zeros((0, 2), np.float32)).knows(EMBEDDINGS).any()
