"""N-gram columns of SIDs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sidflow.errors import ConfigError, ShapeError
from sidflow.export.ranker_ngrams import encode_ngrams, hash_ngrams, ngram_columns, ngram_texts

SIZES = (4, 3, 5)
CODES = np.array([[2, 1, 0], [0, 2, 4], [2, 1, 3], [2, 0, 0]], np.int16)
SIDS = arrays(np.int16, st.tuples(st.integers(1, 30), st.just(3)), elements=st.integers(0, 2))


def test_columns_of_three_levels() -> None:
    """Literal rows: a code is its own row, longer n-grams are numbered in order from 1, an odd last level is alone."""
    columns, vocabulary = ngram_columns(CODES, SIZES)
    found = {name: rows.tolist() for name, rows in encode_ngrams(CODES, columns, vocabulary).items()}
    assert found == {
        "unigram_1": [2, 0, 2, 2],
        "unigram_2": [1, 2, 1, 0],
        "unigram_3": [0, 4, 3, 0],
        "bigram_1": [3, 1, 3, 2],
        "bigram_2": [0, 4, 3, 0],
        "prefix_1": [2, 0, 2, 2],
        "prefix_2": [3, 1, 3, 2],
        "prefix_3": [3, 1, 4, 2],
    }
    assert [column.rows for column in columns] == [4, 3, 5, 4, 5, 4, 4, 5]
    assert vocabulary.filter(vocabulary["column"].to_numpy(zero_copy_only=False) == "prefix_2").to_pylist() == [
        {"column": "prefix_2", "ngram": "0-2", "row": 1},
        {"column": "prefix_2", "ngram": "2-0", "row": 2},
        {"column": "prefix_2", "ngram": "2-1", "row": 3},
    ]


def test_bigrams_do_not_overlap() -> None:
    """Four levels have two bigrams: of levels one and two, and of levels three and four."""
    columns, _ = ngram_columns(np.zeros((1, 4), np.int16), (2, 2, 2, 2))
    spans = {column.name: (column.first, column.last) for column in columns}
    assert (spans["bigram_1"], spans["bigram_2"], "bigram_3" in spans) == ((0, 2), (2, 4), False)


@given(SIDS)
def test_rows_are_dense_and_follow_the_ngram(codes: np.ndarray) -> None:
    """In every column two items share a row exactly when they share the n-gram, and rows run from 1 without a gap."""
    columns, vocabulary = ngram_columns(codes, (3, 3, 3))
    rows = encode_ngrams(codes, columns, vocabulary)
    for column in columns:
        ngrams = [tuple(row) for row in codes[:, column.first : column.last].tolist()]
        assert len(set(zip(ngrams, rows[column.name].tolist(), strict=True))) == len(set(ngrams)) == column.distinct
        if column.kind == "dense":
            assert sorted(set(rows[column.name].tolist())) == list(range(1, column.rows))
        assert (rows[column.name] < column.rows).all()


@given(SIDS, st.randoms())
def test_rows_do_not_depend_on_the_order_of_items(codes: np.ndarray, random: object) -> None:
    """The same SIDs in another order get the same rows."""
    order = np.random.default_rng(random.randrange(2**32)).permutation(len(codes))  # type: ignore[attr-defined]
    columns, vocabulary = ngram_columns(codes, (3, 3, 3))
    shuffled, other = ngram_columns(codes[order], (3, 3, 3))
    assert columns == shuffled
    assert vocabulary.equals(other)


def test_a_later_item_keeps_what_it_shares() -> None:
    """Of an item that came after the export known prefixes have their rows, and new ones row 0."""
    columns, vocabulary = ngram_columns(CODES, SIZES)
    rows = encode_ngrams(np.array([[2, 1, 4], [1, 1, 1]]), columns, vocabulary)
    assert rows["prefix_1"].tolist() == [2, 1]
    assert rows["prefix_2"].tolist() == [3, 0]
    assert rows["prefix_3"].tolist() == [0, 0]


def test_hashed_columns_need_no_vocabulary() -> None:
    """Columns of two levels or more share tables of the given size; single codes are never hashed."""
    columns, vocabulary = ngram_columns(CODES, SIZES, hash_rows=2)
    rows = encode_ngrams(CODES, columns, vocabulary)
    assert len(vocabulary) == 0
    assert {column.name: column.kind for column in columns if column.last - column.first > 1} == {
        "bigram_1": "hashed",
        "prefix_2": "hashed",
        "prefix_3": "hashed",
    }
    assert rows["prefix_3"].max() < 2
    assert rows["unigram_3"].tolist() == [0, 4, 3, 0]


def test_collision_share_is_counted() -> None:
    """One row for all makes every n-gram collide; a huge table makes none."""
    crowded, _ = ngram_columns(CODES, SIZES, hash_rows=1)
    roomy, _ = ngram_columns(CODES, SIZES, hash_rows=2**30)
    shares = {column.name: column.collision_share for column in crowded}
    assert (shares["prefix_2"], shares["prefix_3"], shares["unigram_1"]) == (1.0, 1.0, 0.0)
    assert {column.collision_share for column in roomy} == {0.0}


def test_the_hash_never_changes() -> None:
    """Literal rows: a ranker that is trained on must meet the same rows in the next release."""
    rows = hash_ngrams(np.array([[0, 0], [0, 1], [1, 0], [255, 255]]), 1_000_003)
    assert rows.tolist() == [616025, 803508, 778510, 44860]


def test_the_hash_spreads_evenly() -> None:
    """A full table of 256 x 256 pairs fills 4,096 rows about evenly: no row has twice its share, none is empty."""
    pairs = np.stack(np.meshgrid(np.arange(256), np.arange(256)), axis=-1).reshape(-1, 2)
    counts = np.bincount(hash_ngrams(pairs, 4_096), minlength=4_096)
    assert 0 < counts.min() <= counts.max() < 40
    assert abs(counts.var() / counts.mean() - 1) < 0.1  # as Poisson


def test_texts() -> None:
    """N-grams are written as SIDs are."""
    assert ngram_texts(CODES[:2]).to_pylist() == ["2-1-0", "0-2-4"]


def test_nonsense_is_refused() -> None:
    """Tables without rows, and codes of other levels."""
    with pytest.raises(ConfigError, match=r"hash_rows=0; allowed is 1 or more"):
        ngram_columns(CODES, SIZES, hash_rows=0)
    columns, vocabulary = ngram_columns(CODES, SIZES)
    with pytest.raises(ShapeError, match=r"codes of shape \(4, 2\); allowed is \(n, 3\)"):
        encode_ngrams(CODES[:, :2], columns, vocabulary)
