"""Names for prefixes of semantic IDs: the terms that set a node apart from its parent, and typical titles."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from sidflow.errors import ShapeError
from sidflow.quantizer.sharing import prefixes
from sidflow.semantic_ids.terms import pick_terms, plain_text, term_matrix

MIN_NODE = 5  # items below which a node takes its parent's name
CANDIDATES = 24  # best terms of a node that are looked at for repetition
PAIR_WINS = 0.6  # a word gives way to a pair that contains it and scores at least this share of it
TITLES = 3
ROOT = "assorted"

Prefix = tuple[int, ...]


@dataclass(frozen=True)
class Topics:
    """Topics by prefix; smaller or unremarkable nodes are absent and take their parent's name.

    Attributes:
        names: Prefix of 1 to L codes to name, such as "nail polish, opi, lacquer".
        titles: Prefix to its most typical titles, at most three, the most typical first.
    """

    names: dict[Prefix, str]
    titles: dict[Prefix, tuple[str, ...]]

    def by_item(self, codes: np.ndarray) -> tuple[tuple[str, ...], ...]:
        """Per item one topic name per prefix length, (N, L) for codes (N, L); plain text, never HTML.

        A prefix without a name takes that of the nearest named one above it; "assorted" if there is none.
        """
        known: dict[Prefix, tuple[str, ...]] = {(): ()}
        named = []
        for row in codes.tolist():
            path = tuple(row)
            for length in range(1, len(path) + 1):
                if path[:length] not in known:
                    above = known[path[: length - 1]]
                    known[path[:length]] = (*above, self.names.get(path[:length], above[-1] if above else ROOT))
            named.append(known[path])
        return tuple(named)


def find_topics(
    codes: np.ndarray, titles: Sequence[str], extra_texts: Sequence[str] | None = None, terms: int = 3
) -> Topics:
    """Names and typical titles of the prefixes that at least five items have.

    A term's score in a node is (its share of the node's items - its share of the parent's) sqrt(ln(1 + A / f)): class
    TF-IDF against the parent, tempered, with f the items that have the term and A the mean number of term uses in a
    node of that level. Without the root, rare brands that few items of a node have win too often. Typical titles are
    the medoids: of the items whose terms, as a unit vector, agree most with the node's positive scores.

    Shapes: N items, L levels.

    Args:
        codes: (N, L).
        titles: Titles, (N,).
        extra_texts: More words of each item, such as brand and category, (N,).
        terms: Most terms in a name.

    Raises:
        ShapeError: If codes, titles and texts differ in number.

    Source: c-TF-IDF, Grootendorst 2022, arXiv 2203.05794.
    """
    extra = [""] * len(titles) if extra_texts is None else extra_texts
    if not len(codes) == len(titles) == len(extra):
        raise ShapeError(f"topics: {len(codes)} SIDs, {len(titles)} titles, {len(extra)} extra texts; give one each.")
    # The title counts as its own sentence: no word pair spans its end.
    uses, vocabulary = term_matrix([f"{title} . {text}" for title, text in zip(titles, extra, strict=True)])
    order = np.argsort(prefixes(codes), kind="stable")  # the items of a prefix stand side by side, at every level
    words = _Words(uses[order], vocabulary, [titles[row] for row in order], np.maximum(uses.sum(axis=0).A1, 1))
    topics = Topics({}, {})
    above = np.array([0, len(codes)])
    for level in range(1, codes.shape[1] + 1):
        above = _name_level(topics, codes[order, :level], above, words, terms)
    return topics


@dataclass(frozen=True)
class _Words:
    """What items say, in the order of their paths: zeros and ones (N, V), V terms, N titles, items per term (V,)."""

    uses: csr_matrix
    vocabulary: tuple[str, ...]
    titles: list[str]
    frequency: np.ndarray

    def of(self, start: int, stop: int) -> np.ndarray:
        """Terms of some items, one after the other."""
        found: np.ndarray = self.uses.indices[self.uses.indptr[start] : self.uses.indptr[stop]]
        return found


def _name_level(topics: Topics, paths: np.ndarray, above: np.ndarray, words: _Words, terms: int) -> np.ndarray:
    """Name the nodes of one level; where each begins, and the end, as `above` says it of their parents."""
    starts = np.flatnonzero(np.r_[True, (paths[1:] != paths[:-1]).any(axis=1)][: len(paths)])
    bounds = np.append(starts, len(paths))
    rarity = np.sqrt(np.log1p(words.uses.nnz / max(len(starts), 1) / words.frequency))
    parent = -1
    for node in np.flatnonzero(np.diff(bounds) >= MIN_NODE):
        start, stop = int(bounds[node]), int(bounds[node + 1])
        at = int(np.searchsorted(above, start, "right")) - 1
        if at != parent:
            parent, (known, shares) = at, _shares(words, int(above[at]), int(above[at + 1]))
        columns, own = _shares(words, start, stop)  # all others score nothing: none is above its parent's share
        scores = (own - shares[np.searchsorted(known, columns)]) * rarity[columns]
        ranked = _ranked({words.vocabulary[columns[k]]: float(scores[k]) for k in _best(scores)})
        if name := ", ".join(pick_terms(ranked, terms)):
            prefix = tuple(paths[start].tolist())
            topics.names[prefix] = name
            topics.titles[prefix] = _typical_titles(words, start, stop, columns, np.maximum(scores, 0))
    return bounds


def _shares(words: _Words, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Terms that some items have, ascending, and the share of the items that have each."""
    columns, counts = np.unique(words.of(start, stop), return_counts=True)
    return columns, counts.astype(np.float32) / (stop - start)


def _best(scores: np.ndarray) -> np.ndarray:
    """Where scores are highest, best first, and above zero."""
    best = np.argsort(-scores, kind="stable")[:CANDIDATES]
    return np.asarray(best[scores[best] > 0])


def _ranked(found: dict[str, float]) -> list[str]:
    """Terms with their scores, best first, less each word that gives way to a nearly as good pair with it."""
    pairs = [(term.split(), score) for term, score in found.items() if " " in term]
    return [
        term
        for term, score in found.items()
        if " " in term or not any(term in words and value >= PAIR_WINS * score for words, value in pairs)
    ]


def _typical_titles(words: _Words, start: int, stop: int, columns: np.ndarray, scores: np.ndarray) -> tuple[str, ...]:
    """Titles of the items whose terms agree most with the scores of a node's terms; long ones have no advantage."""
    counts = np.diff(words.uses.indptr[start : stop + 1])
    item = np.repeat(np.arange(stop - start), counts)
    agreed = np.bincount(item, scores[np.searchsorted(columns, words.of(start, stop))], minlength=stop - start)
    chosen: dict[str, None] = {}
    for at in np.argsort(-agreed / np.sqrt(np.maximum(counts, 1)), kind="stable"):
        title = plain_text(words.titles[start + at])
        if title:
            chosen[title] = None
        if len(chosen) == TITLES:
            break
    return tuple(chosen)
