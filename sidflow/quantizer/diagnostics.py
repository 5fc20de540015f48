"""What a quantiser's codes are worth: balance, collisions, error, and what prefixes share, as lift over chance."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sidflow.errors import ShapeError
from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import Array, Quantizer, unit_rows
from sidflow.quantizer.variance import explained_variance

Codes = npt.NDArray[np.integer[Any]]
Facts = dict[str, Any]

QUERIES, NEIGHBOURS = 512, 10  # of the nearest-neighbour recall
PREFIXES = 2  # cohesion is measured at prefixes of one and two codes


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
        "usage": [_rounded((count > 0).mean()) for count in counts],
        "perplexity": [_rounded(np.exp(entropy(count)) / len(count)) for count in counts],
        "gini": [_rounded(gini(count)) for count in counts],
        "conditional_entropy": conditional_entropy(codes, sizes),
        "collisions": _rounded(1 - len(buckets) / len(codes)),
        "unique_share": _rounded(len(buckets) / len(codes)),
        "alone_share": _rounded((buckets == 1).sum() / len(codes)),
        "max_bucket": int(buckets.max()),
        "cohesion": _heldout_cohesion(codes, pairs) if pairs is not None and pairs.heldout.any() else None,
        "nmi": nmi(codes[:, 0], labels) if labels is not None else None,
    }


def cohesion(codes: Codes, left: npt.NDArray[Any], right: npt.NDArray[Any]) -> list[Facts]:
    """How often paired items share a prefix, beside how often items that are not a pair do.

    Args:
        codes: (N, L).
        left: One end of each pair, (m,), catalogue indices.
        right: The other end, (m,).

    Returns:
        For prefixes of one and of two codes: level, pairs (m), share, chance, lift = share / chance. Chance is the
        share among ends of *different* pairs, so a collapsed codebook gets lift 1; lift is None if chance is 0.
    """
    report, m = [], len(left)
    for level in range(1, min(PREFIXES, codes.shape[1]) + 1):
        prefix = prefixes(codes, level)
        a, b = prefix[left], prefix[right]
        width = int(prefix.max()) + 1
        same = int((a == b).sum())
        crossed = int(np.bincount(a, minlength=width) @ np.bincount(b, minlength=width)) - same
        chance = crossed / (m * (m - 1)) if m > 1 else 0.0
        report.append({"level": level, "pairs": m, **_lifted(same / m, chance)})
    return report


def neighbour_recall(vectors: Array, codes: Codes, mean: Array) -> list[Facts]:
    """Share of an item's 10 nearest items by cosine that share its prefix, beside that of any item, per level.

    512 items are asked at most, drawn once with a fixed seed.
    """
    n = len(vectors)
    if n < 2:
        return []
    queries = np.sort(np.random.default_rng(0).choice(n, min(QUERIES, n), replace=False))
    nearest = _nearest(vectors, queries, mean, min(NEIGHBOURS, n - 1))
    report = []
    for level in range(1, codes.shape[1] + 1):
        prefix = prefixes(codes, level)
        own = prefix[queries]
        chance = ((np.bincount(prefix)[own] - 1) / (n - 1)).mean()
        report.append({"level": level, **_lifted(float((prefix[nearest] == own[:, None]).mean()), float(chance))})
    return report


def conditional_entropy(codes: Codes, sizes: Sequence[int]) -> list[float]:
    """H(code of a level | earlier codes) / ln K per level: low in the middle means an hourglass (arXiv 2407.21488)."""
    joint = [entropy(np.bincount(prefixes(codes, level))) for level in range(len(sizes) + 1)]
    return [_rounded(added / np.log(size)) for added, size in zip(np.diff(joint), sizes, strict=True)]


def nmi(codes: npt.NDArray[Any], labels: Sequence[str]) -> Facts:
    """Mutual information of first codes and labels over their mean entropy, beside that of shuffled labels."""
    _, names = np.unique(np.asarray(labels), return_inverse=True)
    shuffled = np.random.default_rng(0).permutation(names)
    return _lifted(_mutual(codes, names), _mutual(codes, shuffled))


def prefixes(codes: Codes, level: int) -> npt.NDArray[np.int64]:
    """A number per distinct prefix of `level` codes, (N,), dense from 0."""
    keys = np.zeros(len(codes), np.int64)
    for column in codes[:, :level].T:
        _, keys = np.unique(keys * (int(column.max()) + 1) + column, return_inverse=True)
    return keys


def entropy(counts: npt.NDArray[Any]) -> float:
    """Entropy of counts, nats."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def gini(counts: npt.NDArray[Any]) -> float:
    """Gini coefficient of counts: 0 when all are equal, towards 1 when one has all."""
    ordered, n = np.sort(counts), len(counts)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))


def _heldout_cohesion(codes: Codes, pairs: Pairs) -> list[Facts]:
    return cohesion(codes, pairs.a[pairs.heldout], pairs.b[pairs.heldout])


def _mutual(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> float:
    sides = entropy(np.bincount(left)), entropy(np.bincount(right))
    both = entropy(np.bincount(prefixes(np.stack([left, right], axis=1).astype(np.int64), 2)))
    return max(0.0, 2 * (sum(sides) - both) / sum(sides)) if sum(sides) else 0.0


def _nearest(vectors: Array, queries: npt.NDArray[np.int64], mean: Array, count: int) -> npt.NDArray[np.int64]:
    """The `count` nearest items of each query by cosine, (q, count), found chunk by chunk."""
    asked = unit_rows(np.asarray(vectors[queries], np.float32) - mean)
    best = np.full((len(queries), count), -np.inf, np.float32)
    items = np.zeros((len(queries), count), np.int64)
    for start in range(0, len(vectors), 16_384):
        chunk = unit_rows(np.asarray(vectors[start : start + 16_384], np.float32) - mean)
        cosines = asked @ chunk.T
        numbers = np.broadcast_to(np.arange(start, start + len(chunk)), cosines.shape)
        cosines[numbers == queries[:, None]] = -np.inf
        scores, found = np.hstack([best, cosines]), np.hstack([items, numbers])
        top = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        best, items = np.take_along_axis(scores, top, 1), np.take_along_axis(found, top, 1)
    return items


def _lifted(share: float, chance: float) -> Facts:
    lift = _rounded(share / chance) if chance > 0 else None
    return {"share": _rounded(share), "chance": _rounded(chance, 8), "lift": lift}


def _rounded(value: float, digits: int = 6) -> float:
    return round(float(value), digits)
