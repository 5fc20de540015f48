"""Held-out pairs that are a test: what the fit could not know, and codes could fail."""

from typing import Any

import numpy as np
import numpy.typing as npt

from sidflow.pairs.table import Pairs

Items = npt.NDArray[np.integer[Any]]


def heldout_ends(pairs: Pairs, copies: npt.NDArray[np.int64] | None = None) -> tuple[Items, Items]:
    """The two ends of the held-out pairs, (m,) each.

    Items with one vector have one code, whatever fitted it: a pair of two copies is a hit for every quantiser, and one
    whose copies are a pair not held out has been learned from under another name. Neither is among them.

    Args:
        pairs: Mined pairs.
        copies: The first item with the same vector, per item, (N,), of `group_duplicates`. None: all differ.
    """
    a, b = (end if copies is None else copies[end] for end in (pairs.a, pairs.b))
    name = np.minimum(a, b).astype(np.int64) << 32 | np.maximum(a, b).astype(np.int64)
    use = pairs.heldout & (a != b) & ~np.isin(name, name[~pairs.heldout])
    return pairs.a[use], pairs.b[use]
