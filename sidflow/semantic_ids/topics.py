"""Names for prefixes of semantic IDs: the terms that set a node apart from its parent, and typical titles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from sidflow.errors import ShapeError
from sidflow.semantic_ids.table import path_groups
from sidflow.semantic_ids.terms import pick_terms, plain_text, term_matrix

MIN_NODE = 5  # items below which a node takes its parent's name
CANDIDATES = 24  # best terms of a node that are looked at for repetition
PAIR_WINS = 0.6  # a word gives way to a pair that contains it and scores at least this share of it
TITLES = 3
ROOT = "assorted"

Prefix = tuple[int, ...]


@dataclass(frozen=True)
class TopicNames:
    """Topic names by prefix; smaller or unremarkable nodes are absent and take their parent's.

    Attributes:
        names: Prefix of 1 to L codes to name, such as "nail polish, opi, lacquer".
        titles: Prefix to its most typical titles, at most three.
    """

    names: dict[Prefix, str]
    titles: dict[Prefix, tuple[str, ...]]

    def name(self, prefix: Prefix) -> str:
        """The name of a prefix, or of the nearest named one above it; "assorted" if there is none."""
        for length in range(len(prefix), 0, -1):
            if prefix[:length] in self.names:
                return self.names[prefix[:length]]
        return ROOT


def name_topics(
    codes: np.ndarray, titles: Sequence[str], extra_texts: Sequence[str] | None = None, terms: int = 3
) -> tuple[tuple[str, ...], ...]:
    """Per item one topic name per prefix length.

    Shapes: N items, L levels.

    Args:
        codes: (N, L).
        titles: Titles, (N,).
        extra_texts: More words of each item, such as brand and category, (N,).
        terms: Most terms in a name.

    Returns:
        (N, L) names; plain text, never HTML.

    Raises:
        ShapeError: If codes, titles and texts differ in number.
    """
    topics = find_topics(codes, titles, extra_texts, terms)
    known: dict[Prefix, tuple[str, ...]] = {(): ()}
    named = []
    for row in codes.tolist():
        path = tuple(row)
        for length in range(1, len(path) + 1):
            if path[:length] not in known:
                own = topics.names.get(path[:length])
                above = known[path[: length - 1]]
                known[path[:length]] = (*above, own or (above[-1] if above else ROOT))
        named.append(known[path])
    return tuple(named)


def find_topics(
    codes: np.ndarray, titles: Sequence[str], extra_texts: Sequence[str] | None = None, terms: int = 3
) -> TopicNames:
    """Names and typical titles of all prefixes with at least five items.

    A term's score in a node is (its share of the node's items - its share of the parent's) sqrt(ln(1 + A / f)): class
    TF-IDF against the parent, tempered, with f the items that have the term and A the mean number of term uses in a
    node of that level. Arguments, errors: see `name_topics`.

    Source: c-TF-IDF, Grootendorst 2022, arXiv 2203.05794.
    """
    extra = [""] * len(titles) if extra_texts is None else extra_texts
    if not len(codes) == len(titles) == len(extra):
        raise ShapeError(f"topics: {len(codes)} SIDs, {len(titles)} titles, {len(extra)} extra texts; give one each.")
    # The title counts as its own sentence: no word pair spans its end.
    uses, vocabulary = term_matrix([f"{title} . {text}" for title, text in zip(titles, extra, strict=True)])
    topics = TopicNames({}, {})
    above = np.zeros(len(codes), np.int64)
    for level in range(codes.shape[1]):
        group = path_groups(codes[:, : level + 1])
        _name_level(topics, codes[:, : level + 1], (above, group), uses, vocabulary, titles, terms)
        above = group
    return topics


def _name_level(
    topics: TopicNames,
    prefixes: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray],
    uses: csr_matrix,
    vocabulary: tuple[str, ...],
    titles: Sequence[str],
    terms: int,
) -> None:
    """Name the nodes of one level, parent by parent, so that a parent's shares are laid out once."""
    above, group = groups
    order = np.argsort(group, kind="stable")
    sizes = np.bincount(group)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    weight = _rarity(uses, len(sizes))
    parent, shares = -1, np.zeros(len(vocabulary))
    parents = np.argsort(above, kind="stable")
    bounds = np.searchsorted(above[parents], np.arange(above.max(initial=-1) + 2))
    for node in np.flatnonzero(sizes >= MIN_NODE):
        rows = order[starts[node] : starts[node + 1]]
        if above[rows[0]] != parent:
            parent = above[rows[0]]
            shares = _shares(uses, parents[bounds[parent] : bounds[parent + 1]])
        scores = (_shares(uses, rows) - shares) * weight
        prefix = tuple(prefixes[rows[0]].tolist())
        name = ", ".join(pick_terms(_ranked(scores, vocabulary), terms))
        if name:
            topics.names[prefix] = name
            topics.titles[prefix] = _typical_titles(uses[rows] @ np.maximum(scores, 0), rows, titles)


def _rarity(uses: csr_matrix, nodes: int) -> np.ndarray:
    """sqrt(ln(1 + A / f)) per term, (V,). Without the root, rare brands that few items of a node have win too often."""
    return np.asarray(np.sqrt(np.log1p(uses.nnz / max(nodes, 1) / np.maximum(uses.sum(axis=0).A1, 1))))


def _shares(uses: csr_matrix, rows: np.ndarray) -> np.ndarray:
    """Share of the rows that have each term, (V,)."""
    return np.asarray(uses[rows].sum(axis=0)).ravel() / len(rows)


def _ranked(scores: np.ndarray, vocabulary: tuple[str, ...]) -> list[str]:
    """Terms that score above zero, best first; a word gives way to a nearly as good pair that contains it."""
    best = np.argsort(-scores, kind="stable")[:CANDIDATES]
    found = {vocabulary[column]: float(scores[column]) for column in best if scores[column] > 0}
    pairs = [(term.split(), score) for term, score in found.items() if " " in term]
    return [
        term
        for term, score in found.items()
        if " " in term or not any(term in words and value >= PAIR_WINS * score for words, value in pairs)
    ]


def _typical_titles(fit: np.ndarray, rows: np.ndarray, titles: Sequence[str]) -> tuple[str, ...]:
    chosen: list[str] = []
    for at in np.argsort(-fit, kind="stable"):
        title = plain_text(titles[rows[at]])
        if title and title not in chosen:
            chosen.append(title)
        if len(chosen) == TITLES:
            break
    return tuple(chosen)
