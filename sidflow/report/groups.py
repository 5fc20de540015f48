"""First codes put into a few groups of neighbours, so that hundreds of them can be coloured and found."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage

from sidflow.report.palette import SERIES
from sidflow.semantic_ids.topics import ROOT

GROUPS = len(SERIES)
TERMS = 2


@dataclass(frozen=True)
class Groups:
    """Groups of similar first codes; an aid for the eye, not a part of any SID.

    Shapes: K first codes, g groups.

    Attributes:
        of_code: Group of every first code, (K,), dense from 0, most items first.
        order: First codes so that neighbours are alike, (K,).
        names: The terms that set each group apart, g of them; plain text of the data.
    """

    of_code: np.ndarray
    order: np.ndarray
    names: tuple[str, ...]


def group_codes(codebook: np.ndarray, first: np.ndarray, topics: list[str]) -> Groups:
    """Ward's clustering of the code vectors of level 1, named by the topics of the items.

    Args:
        codebook: Code vectors, (K, d).
        first: First code of every item, (N,).
        topics: Topic of every item's first code, N of them; "" where there is none.
    """
    if len(codebook) < 2:
        return Groups(np.zeros(len(codebook), np.int64), np.arange(len(codebook)), (ROOT,))
    tree = linkage(codebook, "ward")
    drawn = fcluster(tree, GROUPS, "maxclust") - 1
    items = np.bincount(drawn[first], minlength=drawn.max() + 1)
    place = np.argsort(np.argsort(-items, kind="stable"))
    of_code = place[drawn]
    return Groups(of_code, leaves_list(tree), _names(of_code[first], topics, len(items)))


def _names(group: np.ndarray, topics: list[str], groups: int) -> tuple[str, ...]:
    """The terms that are frequent in a group and rare outside it: count in the group squared over count in all."""
    counts: list[Counter[str]] = [Counter() for _ in range(groups)]
    for number, topic in zip(group.tolist(), topics, strict=True):
        counts[number].update(term for term in topic.split(", ") if term and term != ROOT)
    total: Counter[str] = sum(counts, Counter())
    names = []
    for number, each in enumerate(counts):
        best = sorted(each, key=lambda term: (-(each[term] ** 2) / total[term], term))[:TERMS]
        names.append(", ".join(best) or f"group {number + 1}")
    return tuple(names)
