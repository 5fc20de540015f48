"""What a decoder's training refuses before it spends time, each with what to do about it."""

import numpy as np

from sidflow.dataset.build import Dataset
from sidflow.decoder.model import check_vectors
from sidflow.errors import DataContractError
from sidflow.histories.blocks import user_blocks
from sidflow.histories.table import Histories

CHUNK = 65_536  # rows of content read at once


def check_training(dataset: Dataset, vectors: np.ndarray) -> None:
    """Refuse what a decoder cannot learn from. Users without events, or with one, teach nothing and are passed over.

    Args:
        dataset: Histories and SIDs of one catalogue.
        vectors: Content vectors, (N, D); may be memory-mapped, since they are read in chunks.

    Raises:
        DataContractError: If no user has two training events, an event is of no item of the catalogue, or content is
            not finite.
        ShapeError: If the vectors are not of this catalogue.
    """
    check_vectors(vectors, (len(dataset.sids.codes), vectors.shape[-1]))
    if not (dataset.histories.n_train >= 2).any():
        raise DataContractError(
            f"decoder: none of {len(dataset.histories.user_ids):,} users has two training events, so there is no next "
            "item to learn. Shorten histories.holdout, or give more interactions."
        )
    check_items(dataset.histories)
    check_finite(vectors)


def check_items(histories: Histories) -> None:
    """Refuse an event that points outside the catalogue; one streaming pass.

    Raises:
        DataContractError: If there is one; the message names the user.
    """
    size = len(histories.item_ids)
    for block in user_blocks(histories):
        if not len(block.items) or (block.items.min() >= 0 and block.items.max() < size):
            continue
        event = int(np.argmax((block.items < 0) | (block.items >= size)))
        user = int(np.searchsorted(block.offsets, event, side="right")) - 1
        raise DataContractError(
            f"decoder: event {event - int(block.offsets[user])} of user {block.user_ids[user].as_py()!r} is item "
            f"{int(block.items[event])}, but the catalogue has items 0 to {size - 1}. Build the histories again from "
            "this catalogue: --refresh histories."
        )


def check_finite(vectors: np.ndarray) -> None:
    """Refuse content that is not a number: one such item would spoil every list, trained on or not.

    Raises:
        DataContractError: If there is any; the message names the first item.
    """
    for start in range(0, len(vectors), CHUNK):
        bad = ~np.isfinite(vectors[start : start + CHUNK]).all(axis=1)
        if bad.any():
            raise DataContractError(
                f"decoder: the content vector of item {start + int(bad.argmax())} is not finite ({int(bad.sum())} such "
                f"among items {start} to {start + len(bad) - 1}). Embed the items again: --refresh embeddings."
            )
