"""Which item a person means: by id, by title, or by a part of a title."""

import difflib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.errors import DataContractError

LISTED = 5  # items named in a message
NEAR = 50  # texts with most trigrams in common that are compared letter by letter
GRAM = 3
MUCH_LESS = 0.75  # of the best likeness


def find_item(item_ids: pa.Array, titles: pa.Array, wanted: str) -> int:
    """The item whose id is `wanted`; else the one with that title; else the one with it in its title.

    Titles are compared without regard to case.

    Args:
        item_ids: Ids by catalogue index, (N,) string.
        titles: Titles, (N,) string.
        wanted: What a person typed.

    Returns:
        The catalogue index.

    Raises:
        DataContractError: If several items match, or none does; the message names some, or close ones.
    """
    place = pc.index(item_ids, wanted).as_py()
    if place >= 0:
        return int(place)
    text = wanted.strip()
    whole = pc.equal(pc.utf8_lower(titles), text.lower())
    inside = pc.match_substring(titles, text, ignore_case=True)
    for rows in (_places(whole), _places(inside)) if text else ():
        if len(rows) == 1:
            return int(rows[0])
        if len(rows):
            shown = _listed(item_ids, titles, rows[:LISTED])
            more = f" and {len(rows) - LISTED:,} more" if len(rows) > LISTED else ""
            raise DataContractError(f"item {wanted!r}: {len(rows):,} titles match: {shown}{more}. Give an id.")
    close = np.unique(np.concatenate([closest(item_ids, text, 2), closest(titles, text, 3)]))
    hint = f"Did you mean {_listed(item_ids, titles, close)}?" if len(close) else "Give an id, or a part of a title."
    raise DataContractError(f"item {wanted!r}: neither an id nor part of a title among {len(item_ids):,} items. {hint}")


def closest(texts: pa.Array, wanted: str, count: int) -> np.ndarray:
    """Rows of the texts most like `wanted`, best first, at most `count`; none if nothing is like it, or much less.

    Those that share most trigrams with it are compared by `difflib`, so that a million texts take about a second.
    """
    grams = {wanted[at : at + GRAM] for at in range(len(wanted) - GRAM + 1)}
    shared = np.zeros(len(texts), np.int32)
    for gram in sorted(grams):
        shared += pc.match_substring(texts, gram, ignore_case=True).to_numpy(zero_copy_only=False)
    near = np.argsort(-shared, kind="stable")[:NEAR]
    near = near[shared[near] > len(grams) / 4]
    likeness = np.array([_likeness(wanted, texts[int(row)].as_py()) for row in near])
    order = np.argsort(-likeness, kind="stable")[:count]
    order = order[likeness[order] > MUCH_LESS * likeness.max(initial=0.0)]
    return np.asarray(near[order], np.int64)


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio()


def _places(mask: pa.Array) -> np.ndarray:
    return np.flatnonzero(np.asarray(mask.to_numpy(zero_copy_only=False)))


def _listed(item_ids: pa.Array, titles: pa.Array, rows: np.ndarray) -> str:
    return ", ".join(f"{item_ids[int(row)].as_py()} ({titles[int(row)].as_py()})" for row in rows)
