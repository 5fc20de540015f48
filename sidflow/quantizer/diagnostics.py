"""What a quantiser's codes are worth: balance, collisions, error, and what prefixes share, as lift over chance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sidflow.errors import ShapeError
from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import Array, Quantizer
from sidflow.quantizer.sharing import cohesion, entropy, neighbour_recall, nmi, prefixes, rounded
from sidflow.quantizer.variance import explained_variance

Codes = npt.NDArray[np.integer[Any]]
Facts = dict[str, Any]


def diagnose(
    quantizer: Quantizer, vectors: Array, codes: Codes, pairs: Pairs | None = None, labels: Sequence[str] | None = None
) -> Facts:
    """All diagnostics of one code assignment; lists have one entry a level.

    Args:
        quantizer: What assigned the codes.
        vectors: The catalogue's embeddings, (N, D).
        codes: (N, L), before or after they were made unique; a suffix level beyond L is ignored.
        pairs: Mined pairs; cohesion is measured on the held-out ones.
        labels: A category an item, (N,), if the catalogue has one.

    Returns:
        `describe_codes` plus explained_variance per level, cumulative, in the latent space; and neighbours: recall of
        the 10 nearest items by prefix, beside chance and lift.

    Raises:
        ShapeError: If vectors, codes and labels differ in length, or codes have too few levels.
    """
    levels = len(quantizer.sizes)
    if codes.ndim != 2 or codes.shape[1] < levels or len(codes) != len(vectors):
        raise ShapeError(f"quantizer: codes have shape {codes.shape}, allowed is ({len(vectors)}, {levels}) or wider.")
    codes = codes[:, :levels]
    return {
        **describe_codes(codes, quantizer.sizes, pairs, labels),
        "explained_variance": explained_variance(quantizer, quantizer.encode(vectors), codes),
        "neighbours": neighbour_recall(vectors, codes, quantizer.mean),
    }


def describe_codes(
    codes: Codes, sizes: Sequence[int], pairs: Pairs | None = None, labels: Sequence[str] | None = None
) -> Facts:
    """What codes alone tell: balance per level, collisions, cohesion of held-out pairs, agreement with labels.

    Returns:
        usage, perplexity (over K), gini and conditional_entropy (over ln K) per level; unique_share (distinct SIDs over
        items), collisions (the rest), alone_share (items that share their SID with none), max_bucket (most items on one
        SID); cohesion per prefix length 1 and 2 (None without held-out pairs); nmi (None without labels).
    """
    counts = [np.bincount(column, minlength=size) for column, size in zip(codes.T, sizes, strict=True)]
    buckets = np.bincount(prefixes(codes, codes.shape[1]))
    return {
        "usage": [rounded((count > 0).mean()) for count in counts],
        "perplexity": [rounded(np.exp(entropy(count)) / len(count)) for count in counts],
        "gini": [rounded(gini(count)) for count in counts],
        "conditional_entropy": conditional_entropy(codes, sizes),
        "collisions": rounded(1 - len(buckets) / len(codes)),
        "unique_share": rounded(len(buckets) / len(codes)),
        "alone_share": rounded((buckets == 1).sum() / len(codes)),
        "max_bucket": int(buckets.max()),
        "cohesion": _heldout_cohesion(codes, pairs) if pairs is not None and pairs.heldout.any() else None,
        "nmi": nmi(codes[:, 0], labels) if labels is not None else None,
    }


def conditional_entropy(codes: Codes, sizes: Sequence[int]) -> list[float]:
    """H(code of a level | earlier codes) / ln K per level: low in the middle means an hourglass (arXiv 2407.21488)."""
    joint = [entropy(np.bincount(prefixes(codes, level))) for level in range(len(sizes) + 1)]
    return [rounded(added / np.log(size)) for added, size in zip(np.diff(joint), sizes, strict=True)]


def gini(counts: npt.NDArray[Any]) -> float:
    """Gini coefficient of counts: 0 when all are equal, towards 1 when one has all."""
    ordered, n = np.sort(counts), len(counts)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))


def _heldout_cohesion(codes: Codes, pairs: Pairs) -> list[Facts]:
    return cohesion(codes, pairs.a[pairs.heldout], pairs.b[pairs.heldout], ordered=False)
