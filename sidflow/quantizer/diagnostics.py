"""What a quantiser's codes are worth: balance, collisions, error, and what prefixes share, as lift over chance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import Array, Quantizer
from sidflow.quantizer.digests import group_duplicates
from sidflow.quantizer.heldout import heldout_ends
from sidflow.quantizer.sharing import cohesion, entropy, neighbour_recall, nmi, prefixes, rounded
from sidflow.quantizer.variance import assign_and_explain, embedding_variance

Codes = npt.NDArray[np.integer[Any]]
Facts = dict[str, Any]


def diagnose(
    quantizer: Quantizer, vectors: Array, pairs: Pairs | None = None, labels: Sequence[str] | None = None
) -> Facts:
    """All diagnostics of the codes that a quantiser gives a catalogue; lists have one entry a level.

    Args:
        quantizer: What assigns.
        vectors: The catalogue's embeddings, (N, D); may be memory-mapped.
        pairs: Mined pairs; cohesion is measured on the held-out ones.
        labels: A category an item, (N,), if the catalogue has one.

    Returns:
        `describe_codes` and `compare_with_text`, plus explained_variance per level, cumulative, in the latent space.

    Raises:
        ShapeError: If the quantiser was fitted on vectors of another width.
    """
    codes, explained = assign_and_explain(quantizer, vectors)
    return {
        **describe_codes(codes, quantizer.sizes, pairs, labels, group_duplicates(vectors)),
        "explained_variance": explained,
        **compare_with_text(codes, vectors, quantizer.mean),
    }


def compare_with_text(codes: Codes, vectors: Array, mean: Array) -> Facts:
    """What codes tell of the embeddings themselves, so that methods with different latent spaces compare.

    Returns:
        embedding_variance per level, cumulative; neighbours: recall of the 10 nearest items by prefix, beside chance
        and lift.
    """
    return {
        "embedding_variance": embedding_variance(vectors, codes),
        "neighbours": neighbour_recall(vectors, codes, mean),
    }


def describe_codes(
    codes: Codes,
    sizes: Sequence[int],
    pairs: Pairs | None = None,
    labels: Sequence[str] | None = None,
    copies: npt.NDArray[np.int64] | None = None,
) -> Facts:
    """What codes alone tell: balance per level, collisions, cohesion of held-out pairs, agreement with labels.

    Args:
        codes: (N, L).
        sizes: Codes per level; a level of one code, such as a suffix that nobody needs, has no entropy.
        pairs: Mined pairs.
        labels: A category an item, (N,).
        copies: The first item with the same vector, per item, (N,), of `group_duplicates`: what such items share says
            nothing of the codes. None: all differ.

    Returns:
        usage, perplexity (over K), gini and conditional_entropy (over ln K) per level; unique_share (distinct SIDs over
        items), collisions (the rest), alone_share (items that share their SID with none), max_bucket (most items on one
        SID); cohesion per prefix length 1 and 2 (None without held-out pairs); nmi (None without labels).
    """
    ends = heldout_ends(pairs, copies) if pairs is not None else None
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
        "cohesion": cohesion(codes, *ends, ordered=False) if ends is not None and len(ends[0]) else None,
        "nmi": nmi(codes[:, 0], labels) if labels is not None else None,
    }


def conditional_entropy(codes: Codes, sizes: Sequence[int]) -> list[float]:
    """H(code of a level | earlier codes) / ln K per level: low in the middle means an hourglass (arXiv 2407.21488)."""
    joint = [entropy(np.bincount(prefixes(codes, level))) for level in range(len(sizes) + 1)]
    added = zip(np.diff(joint), sizes, strict=True)
    return [rounded(each / np.log(size)) if size > 1 else 0.0 for each, size in added]


def gini(counts: npt.NDArray[Any]) -> float:
    """Gini coefficient of counts: 0 when all are equal, towards 1 when one has all."""
    ordered, n = np.sort(counts), len(counts)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))
