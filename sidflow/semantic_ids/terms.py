"""Item texts as a sparse matrix of words and word pairs that may name a topic."""

import html
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy.sparse import csr_matrix

MIN_ITEMS = 3  # a term that fewer items have names nothing

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_TOKEN = re.compile(r"[\w'\u2019\-]+|[^\w\s'\u2019\-]")
_WORD = re.compile(r"[^\W\d_][^\W\d_'\u2019\-]*(?:['\u2019\-][^\W\d_]+)*")
_FUNCTION_WORDS = """
a about after all also an and any are as at be been before but by can de des for from get has have her his how if in
into is it its just la le les more most my new no not of off on one only or our out over per she so some than that the
their them then there these they this to too two three up us use very was we what when which who will with without you
your
"""
_UNITS = """
assorted bottle box capsules cm count ct ea each fl fluid foot ft gallon gal gm gms gram grams inch inches kg lb lbs
liter litre mg ml mm ounce ounces oz pack packs pair pc pcs piece pieces pk pound pounds qty set size tablets tube unit
units volume vol
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split()) | frozenset(_UNITS.split())


def term_matrix(texts: Sequence[str]) -> tuple[csr_matrix, tuple[str, ...]]:
    """Which words and pairs of adjacent words occur in which text.

    Lower case; no stop words, units, numbers or mark-up; a pair never spans punctuation or what was left out.

    Args:
        texts: One text an item, (N,).

    Returns:
        Zeros and ones, (N, V) float32 CSR, and the V terms, sorted; each occurs in at least three texts.
    """
    index: dict[str, int] = {}
    columns, offsets = array("i"), [0]
    for text in texts:
        columns.extend([index.setdefault(term, len(index)) for term in set(text_terms(text))])
        offsets.append(len(columns))
    column = np.array(columns, np.int32)
    counts = np.bincount(column, minlength=len(index))
    frequent = sorted((term, at) for term, at in index.items() if counts[at] >= MIN_ITEMS)
    uses = csr_matrix((np.ones(len(column), np.float32), column, offsets), shape=(len(texts), len(index)))
    uses = uses[:, [at for _, at in frequent]]
    uses.sort_indices()
    return uses, tuple(term for term, _ in frequent)


def text_terms(text: str) -> Iterator[str]:
    """Words and pairs of adjacent words of one text, in order, with repeats."""
    before = ""
    for token in _TOKEN.findall(_TAG.sub(" . ", html.unescape(text)).lower()):
        word = token.strip("'\u2019-_")
        if len(word) < 2 or word in STOP_WORDS or not _WORD.fullmatch(word):
            before = ""
            continue
        yield word
        if before and before != word:
            yield f"{before} {word}"
        before = word


def plain_text(text: str) -> str:
    """Text without tags and character references, its white space single: never HTML."""
    return " ".join(_TAG.sub(" ", html.unescape(_TAG.sub(" ", text))).replace("<", " ").replace(">", " ").split())


def pick_terms(ranked: Iterable[str], terms: int) -> tuple[str, ...]:
    """The first terms of a ranking that say something new: no word that a chosen term has, in singular or plural."""
    chosen: list[str] = []
    used: set[str] = set()
    for term in ranked:
        stems = {_stem(word) for word in term.split()}
        if not stems & used:
            chosen.append(term)
            used |= stems
        if len(chosen) == terms:
            break
    return tuple(chosen)


def _stem(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
