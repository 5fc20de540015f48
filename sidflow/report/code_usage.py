"""Section: whether all codes carry their share of the catalogue, level by level."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from sidflow.quantizer.diagnostics import describe_codes
from sidflow.report.blocks import Block, Figure, Section, Table, axes, table
from sidflow.report.formats import NONE, count, decimal, share
from sidflow.report.palette import MUTED, SERIES
from sidflow.report.subject import Subject


def code_usage(subject: Subject) -> Section:
    """The usage curve of every level and its measures, from the SID table itself."""
    sids = subject.sids
    described = describe_codes(sids.codes, sids.sizes)
    blocks: list[Block] = [usage_figure(sids.codes, sids.sizes), usage_table(described, sids.codes, sids.sizes)]
    if "quantizer" in subject.manifests:
        blocks.append(fit_table(subject.manifests["quantizer"].metrics))
    return Section("codes", "Code usage", tuple(blocks))


def usage_figure(codes: np.ndarray, sizes: Sequence[int]) -> Figure:
    """Items per code, most used first, one line a level, beside the fair share of levels of that size.

    Args:
        codes: (N, L).
        sizes: Codes per level.
    """
    data: list[dict[str, Any]] = []
    for level, (column, size) in enumerate(zip(codes.T, sizes, strict=True)):
        counts = np.sort(np.bincount(column, minlength=size))[::-1]
        data.append({
            "type": "scatter", "mode": "lines", "name": f"level {level + 1}", "x": list(range(1, size + 1)),
            "y": counts.tolist(), "line": {"color": SERIES[level % len(SERIES)], "width": 2, "shape": "hvh"},
            "hovertemplate": f"level {level + 1}, code %{{x}}: %{{y:,}} items<extra></extra>",
        })  # fmt: skip
    fair = {size: len(codes) / size for size in sizes}
    for size, items in fair.items():
        name = "fair share" if len(fair) == 1 else f"fair share of {size:,} codes"
        data.append({
            "type": "scatter", "mode": "lines", "name": name, "x": [1, size], "y": [items, items],
            "line": {"color": MUTED, "width": 1, "dash": "dot"}, "hoverinfo": "skip",
        })  # fmt: skip
    shares = ", ".join(f"{items:,.1f} items for each of {size:,} codes" for size, items in fair.items())
    return Figure(
        "code-usage",
        "Items by code, sorted",
        "Each line falls from the most to the least used code of a level. Near its dotted fair share is best; "
        "alarming is a cliff on the left (a few codes take most items) or a tail at zero (dead codes).",
        f"Lines for {len(sizes)} levels; the fair share is {shares}.",
        data,
        axes("codes, most used first", "items", yaxis={"rangemode": "tozero"}),
        height=340,
        wide=True,
    )


def usage_table(described: Mapping[str, Any], codes: np.ndarray, sizes: Sequence[int]) -> Table:
    """Usage, perplexity, Gini and dead codes by level."""
    rows = []
    for level, size in enumerate(sizes):
        used = len(np.unique(codes[:, level]))
        rows.append((
            str(level + 1), count(size), count(size - used), share(described["usage"][level]),
            decimal(described["perplexity"][level], 3), decimal(described["gini"][level], 3),
            decimal(described["conditional_entropy"][level], 3),
        ))  # fmt: skip
    return table(
        "Balance by level, of the published semantic IDs",
        ("level", "codes", "dead", "usage", "perplexity / codes", "Gini", "conditional entropy"),
        rows,
        "rrrrrrr",
        reading="Perplexity over the number of codes is 1 when all are used alike; Gini is 0 then. Conditional "
        "entropy says how much of a level's room is used once the earlier codes are known: low in the middle is an "
        "hourglass.",
    )


def fit_table(numbers: Mapping[str, Any]) -> Table:
    """What the fitted quantiser's prefixes tell and share, beside residual k-means on the raw vectors."""
    sides = {"sidflow": numbers, "residual k-means": numbers.get("rq_kmeans") or {}}
    rows: list[tuple[str, ...]] = []
    for name, side in sides.items():
        explained = zip_longest(side.get("embedding_variance", []), side.get("explained_variance", []))
        for level, (texts, latents) in enumerate(explained):  # an earlier release may not know the first
            rows.append((
                f"{name}, {level + 1} code{'s' if level else ''}", share(texts), share(latents),
                decimal(_at(side.get("cohesion"), level, "lift"), 1), _lifted(side.get("neighbours"), level),
                _agreement(side.get("nmi")) if level == 0 else NONE, share(side.get("collisions")),
            ))  # fmt: skip
    return table(
        "What prefixes share, when the quantiser was fitted",
        (
            "prefix",
            "variance explained, texts",
            "variance explained, latents",
            "held-out pairs, lift",
            "nearest neighbours",
            "categories, NMI",
            "collisions of whole SIDs",
        ),
        rows,
        reading="Variance explained, texts: the share of the embeddings' variance that codes explain, each standing "
        "for the vector that is best for it, which compares methods; codes at random reach about their number over the "
        "number of items. Latents: that of a method's own latent space by its own code vectors, which does not compare "
        "methods and stays high in a collapse. The lift is how much more often the items of a held-out pair share the "
        "prefix than items of different pairs do; 1 would be chance. Nearest neighbours: the share of an item's 10 "
        "nearest texts that have its prefix, and how many times that of any item. NMI is the normalised mutual "
        "information of first codes and the catalogue's categories, beside that of shuffled ones: small groups have "
        "some by chance. Collisions are before SIDs were made unique.",
    )


def _lifted(rows: Sequence[Mapping[str, Any]] | None, level: int) -> str:
    near, lift = _at(rows, level, "share"), _at(rows, level, "lift")
    return share(near) if lift is None else f"{share(near)} ({decimal(lift, 1)} times chance)"


def _agreement(nmi: Mapping[str, Any] | None) -> str:
    return f"{decimal(nmi['share'], 3)} (chance {decimal(nmi['chance'], 3)})" if nmi else NONE


def _at(rows: Sequence[Mapping[str, Any]] | None, level: int, name: str) -> float | None:
    """A diagnostic's value for prefixes of `level` + 1 codes, if it was measured."""
    return next((row[name] for row in rows or () if row["level"] == level + 1), None)
