"""Tokens: a gather and its inverse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidflow.dataset.tokens import item_tokens, level_offsets, token_codes
from sidflow.errors import DataContractError


def test_offsets_literal() -> None:
    """Each level's tokens begin where the level before ends."""
    assert level_offsets((256, 16, 4)).tolist() == [0, 256, 272]


def test_tokens_literal() -> None:
    """Code plus level offset, an item a row."""
    codes = np.array([[3, 1], [0, 2]], np.int16)
    assert item_tokens(np.array([1, 0, 1]), codes, (4, 3)).tolist() == [[0, 6], [3, 5], [0, 6]]


def test_large_vocabulary_does_not_overflow_int16() -> None:
    """Offsets beyond 32,767 survive int16 codes."""
    codes = np.array([[0, 0, 30_000]], np.int16)
    assert item_tokens(np.array([0]), codes, (32_000, 32_000, 32_000)).tolist() == [[0, 32_000, 94_000]]


@st.composite
def tables(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, ...], np.ndarray]:
    """A code table, its sizes and a sequence of items."""
    sizes = tuple(draw(st.lists(st.integers(1, 300), min_size=1, max_size=5)))
    rows = draw(st.integers(1, 12))
    codes = np.array([[draw(st.integers(0, size - 1)) for size in sizes] for _ in range(rows)], np.int16)
    return codes, sizes, np.array(draw(st.lists(st.integers(0, rows - 1), max_size=20)), np.int32)


@given(tables())
def test_round_trip(world: tuple[np.ndarray, tuple[int, ...], np.ndarray]) -> None:
    """Codes come back from tokens, and no two levels share a token."""
    codes, sizes, items = world
    tokens = item_tokens(items, codes, sizes)
    assert np.array_equal(token_codes(tokens, sizes), codes[items])
    levels = np.searchsorted(np.cumsum(sizes), tokens, side="right")
    assert (levels == np.arange(len(sizes))).all()


def test_foreign_token_is_refused() -> None:
    """A token of another level names its place and what is allowed."""
    with pytest.raises(DataContractError, match=r"token 9 at \[1, 0\] is not of level 0; allowed is \[0, 4\)"):
        token_codes(np.array([[0, 4], [9, 5]]), (4, 3))
