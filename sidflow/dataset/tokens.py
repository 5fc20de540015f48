"""Tokens are a gather: the codes of an item, each moved past the codes of the levels before it."""

from collections.abc import Sequence

import numpy as np

from sidflow.errors import DataContractError


def item_tokens(items: np.ndarray, codes: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The tokens of a sequence of items: code plus level offset.

    Shapes: n items of a sequence, N catalogue items, L levels.

    Args:
        items: Catalogue indices, (n,) or any shape.
        codes: The SID table, (N, L).
        sizes: Codes per level, L of them.

    Returns:
        Tokens in [0, sum(sizes)), shape of `items` + (L,), int32.
    """
    return np.asarray(codes[items] + level_offsets(sizes), dtype=np.int32)


def level_offsets(sizes: Sequence[int]) -> np.ndarray:
    """The first token of every level, (L,) int32."""
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int32)


def token_codes(tokens: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """The codes of tokens, the inverse of the offset: shape of `tokens` (..., L), int16.

    Raises:
        DataContractError: If a token does not belong to the level of its column.
    """
    codes = tokens - level_offsets(sizes)
    wrong = (codes < 0) | (codes >= np.asarray(sizes))
    if wrong.any():
        position = tuple(int(axis[0]) for axis in np.nonzero(wrong))
        low = int(level_offsets(sizes)[position[-1]])
        raise DataContractError(
            f"token {int(tokens[position])} at {list(position)} is not of level {position[-1]}; allowed is "
            f"[{low}, {low + sizes[position[-1]]}). Tokens and SID table are of different builds: rebuild the dataset."
        )
    return np.asarray(codes, np.int16)
