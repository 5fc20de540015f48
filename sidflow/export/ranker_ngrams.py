"""N-grams of semantic IDs as rows of embedding tables: single codes, fixed pairs and prefixes.

Sources: Singh et al. 2024, arXiv 2306.08121, Unigram-SID and Bigram-SID: single codes and non-overlapping pairs, a
table each, their vectors summed. Zheng et al. 2025, arXiv 2504.02137: prefix n-grams, one id for each prefix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.errors import ConfigError, ShapeError

UNSEEN = 0
"""Row of a dense table for n-grams that no exported item has."""

NGRAMS = pa.schema({"column": pa.string(), "ngram": pa.string(), "row": pa.int32()})
"""The dense tables' vocabulary: which row an n-gram such as "12-7" has in a column."""


@dataclass(frozen=True)
class NgramColumn:
    """One column of the ranker's table, and the embedding table it points into.

    Attributes:
        name: unigram_2, bigram_1, prefix_3; levels are counted from 1.
        first, last: The levels it spans, [first, last), from 0.
        kind: code: the row is the code; dense: rows 1 up by the n-gram's order, 0 for an unseen one; hashed: any row.
        rows: Rows of the embedding table.
        distinct: N-grams of the exported items.
        collision_share: Share of these that share their row with another one.
    """

    name: str
    first: int
    last: int
    kind: Literal["code", "dense", "hashed"]
    rows: int
    distinct: int
    collision_share: float


def ngram_columns(
    codes: np.ndarray, sizes: Sequence[int], hash_rows: int | None = None
) -> tuple[list[NgramColumn], pa.Table]:
    """The columns for a SID table, and the vocabulary of the dense ones.

    Shapes: N items, L levels.

    Args:
        codes: The SID table, (N, L).
        sizes: Codes per level, L of them.
        hash_rows: Rows of every table of two levels or more, which then needs no vocabulary and keeps its rows from
            release to release as long as SIDs stay; None gives every n-gram its own row.

    Raises:
        ConfigError: If `hash_rows` is below 1.
    """
    if hash_rows is not None and hash_rows < 1:
        raise ConfigError(f"ranker: hash_rows={hash_rows}; allowed is 1 or more, or none for a row an n-gram.")
    columns, words = [], [NGRAMS.empty_table()]
    for name, first, last in _spans(len(sizes)):
        distinct = np.unique(codes[:, first:last], axis=0)  # in lexicographic order of the codes
        if last - first == 1:
            columns.append(NgramColumn(name, first, last, "code", sizes[first], len(distinct), 0.0))
        elif hash_rows is not None:
            shared = _shared(hash_ngrams(distinct, hash_rows))
            columns.append(NgramColumn(name, first, last, "hashed", hash_rows, len(distinct), shared))
        else:
            rows = pa.array(np.arange(1, len(distinct) + 1), pa.int32())
            words.append(pa.table([pa.repeat(name, len(rows)), ngram_texts(distinct), rows], schema=NGRAMS))
            columns.append(NgramColumn(name, first, last, "dense", len(distinct) + 1, len(distinct), 0.0))
    return columns, pa.concat_tables(words).combine_chunks()


def encode_ngrams(codes: np.ndarray, columns: Sequence[NgramColumn], vocabulary: pa.Table) -> dict[str, np.ndarray]:
    """The rows of SIDs, also of items that came after the export.

    Args:
        codes: (n, L).
        columns: From `ngram_columns`.
        vocabulary: From `ngram_columns`.

    Returns:
        Per column (n,) int32, each in [0, rows); 0 in a dense column for an n-gram that is not in its vocabulary.

    Raises:
        ShapeError: If the codes have other levels.
    """
    levels = max(column.last for column in columns)
    if codes.ndim != 2 or codes.shape[1] != levels:
        raise ShapeError(f"ranker: codes of shape {codes.shape}; allowed is (n, {levels}), the levels of the export.")
    return {column.name: _rows(codes[:, column.first : column.last], column, vocabulary) for column in columns}


def ngram_texts(codes: np.ndarray) -> pa.Array:
    """Rows of codes as "12-7", (n,) string."""
    return pc.binary_join_element_wise(*(pa.array(column).cast(pa.string()) for column in codes.T), "-")


def hash_ngrams(codes: np.ndarray, rows: int) -> np.ndarray:
    """A row for each n-gram by a fixed 64-bit mix (splitmix64's finaliser) of its codes in turn, (n,) int32."""
    state = np.full(len(codes), codes.shape[1], np.uint64)
    for column in codes.T:
        state = (state ^ column.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return np.asarray(state % np.uint64(rows), np.int32)


def _spans(levels: int) -> list[tuple[str, int, int]]:
    """Name, first and last level of every column."""
    unigrams = [(f"unigram_{k + 1}", k, k + 1) for k in range(levels)]
    bigrams = [(f"bigram_{k // 2 + 1}", k, min(k + 2, levels)) for k in range(0, levels, 2)]
    return unigrams + bigrams + [(f"prefix_{k + 1}", 0, k + 1) for k in range(levels)]


def _shared(rows: np.ndarray) -> float:
    """Share of entries whose row another entry has."""
    if len(rows) == 0:
        return 0.0
    return float((np.bincount(rows)[rows] > 1).mean())


def _rows(codes: np.ndarray, column: NgramColumn, vocabulary: pa.Table) -> np.ndarray:
    match column.kind:
        case "code":
            return np.asarray(codes[:, 0], np.int32)
        case "hashed":
            return hash_ngrams(codes, column.rows)
        case "dense":
            known = vocabulary.filter(pc.equal(vocabulary["column"], column.name))
            place = pc.index_in(ngram_texts(codes), value_set=known["ngram"].combine_chunks())
            rows = pc.fill_null(known["row"].take(place), UNSEEN)
            return np.asarray(rows.to_numpy(), np.int32)
