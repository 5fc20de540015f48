"""What a fit refuses before it spends time, each with the setting or file to change."""

import math
from collections.abc import Sequence

import numpy as np

from sidflow.config import QuantizerConfig
from sidflow.errors import DataContractError, ShapeError
from sidflow.quantizer.codebook import Array, Quantizer

CHUNK = 65_536
LARGEST = 1e37  # a tenth of what float32 holds: differences must fit too
NOISE = 1e-6  # of a vector's largest number: what float32 makes of one text in batches of different make-up


def check_vectors(vectors: Array) -> None:
    """Refuse embeddings that cannot be quantised.

    Args:
        vectors: (N, D); may be memory-mapped.

    Raises:
        ShapeError: If they are not (N, D).
        DataContractError: If there are none, one is not finite or beyond float32, or all are equal but for rounding.
    """
    if vectors.ndim != 2:
        raise ShapeError(f"quantizer: embeddings have shape {vectors.shape}, allowed is (items, dimensions).")
    if not len(vectors):
        raise DataContractError("quantizer: there are no embeddings. Look at the catalogue's rejects.")
    varied = False
    for start in range(0, len(vectors), CHUNK):
        chunk = vectors[start : start + CHUNK]
        bad = ~(np.abs(chunk) <= LARGEST).all(axis=1)  # NaN is not, either
        if bad.any():
            raise DataContractError(
                f"quantizer: the embedding of item {start + int(bad.argmax())} is not finite or beyond {LARGEST:g} "
                f"({int(bad.sum())} such among items {start} to {start + len(chunk) - 1}). Embed the items again, or "
                "mend the columns in embedding.vectors."
            )
        varied = varied or bool((np.abs(chunk - vectors[0]) > NOISE * np.abs(chunk).max(1, keepdims=True)).any())
    if not varied:
        raise DataContractError(
            f"quantizer: all {len(vectors)} embeddings are equal but for rounding, so items cannot be told apart. "
            "Look at embedding.template: does it name columns that differ between items?"
        )


def check_codebooks(items: int, codebooks: Sequence[int]) -> None:
    """Refuse codebooks that are too large for a catalogue.

    Raises:
        DataContractError: If a level has more codes than there are items.
    """
    if items < max(codebooks):
        raise DataContractError(
            f"quantizer: fewer items than codes: {items} items for a level of {max(codebooks)} codes; "
            f"allowed are at most as many codes as items. Lower quantizer.codebooks (now {list(codebooks)})."
        )


def check_room(items: int, codebooks: Sequence[int], uniqueness: str) -> None:
    """Refuse codebooks that are too small to give each item of a catalogue its own SID, where it is to have one.

    Args:
        items: Number of items.
        codebooks: Codes per level.
        uniqueness: Setting `semantic_ids.uniqueness`; `suffix` makes its own room and `allow` needs none.

    Raises:
        DataContractError: If there are fewer SIDs than items.
    """
    if uniqueness == "unique" and items > math.prod(codebooks):
        raise DataContractError(
            f"quantizer: {items} items but only {math.prod(codebooks)} SIDs; allowed is one for each item or more. "
            f"Raise quantizer.codebooks (now {list(codebooks)}), add a level, or set semantic_ids.uniqueness=suffix."
        )


def mismatch(initial: Quantizer, config: QuantizerConfig, dimensions: int) -> str | None:
    """Why a warm start from `initial` is impossible, or None if it fits.

    Args:
        initial: The quantiser to continue from.
        config: Settings of the fit to come.
        dimensions: Width of the embeddings, D.
    """
    compared: list[tuple[str, object, object]] = [
        ("method", initial.method, config.method),
        ("embedding dimensions", len(initial.mean), dimensions),
        ("quantizer.codebooks", list(initial.sizes), list(config.codebooks)),
    ]
    if config.method == "rq-vae":
        widths = [len(bias) for _, bias in initial.layers]
        compared.append(("encoder widths", widths, [*config.hidden, config.latent]))
    return next((f"{name} were {before}, now {now}" for name, before, now in compared if before != now), None)
