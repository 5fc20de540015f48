"""Alignment of code names, and the overlap that warm-starts a decoder."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.errors import ShapeError
from sidflow.semantic_ids.align import align_to, permute
from sidflow.semantic_ids.overlap import code_overlap
from tests.semantic_ids.planted import ids_of, quantizer_of, random_quantizer, table_of, unit_vectors


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_alignment_undoes_a_renaming(seed):
    """Renamed at random and aligned on its own items, a quantiser gives its old codes again."""
    rng = np.random.default_rng(seed)
    quantizer, vectors = random_quantizer((5, 6), seed=seed), unit_vectors(40, seed=seed)
    renamed = permute(quantizer, (rng.permutation(5), rng.permutation(6)))
    old, new = (each.assign(each.encode(vectors)) for each in (quantizer, renamed))
    pi = align_to(old, new, quantizer.codebooks, renamed.codebooks)
    restored = permute(renamed, pi)
    assert all((a == b).all() for a, b in zip(restored.codebooks, quantizer.codebooks, strict=True))
    assert (restored.assign(restored.encode(vectors)) == old).all()


def test_permutation_moves_codebooks_and_biases_together():
    """Code a becomes pi[a] with its vector and bias: assignment is relabelled, nothing else."""
    quantizer = quantizer_of([[0], [5], [9]], biases=([0.1, 0.2, 0.3],))
    renamed = permute(quantizer, (np.array([2, 0, 1]),))
    assert renamed.codebooks[0].ravel().tolist() == [5, 9, 0]
    assert renamed.biases[0].tolist() == pytest.approx([0.2, 0.3, 0.1])
    points = np.array([[0], [5], [9]], np.float32)
    assert renamed.assign(points).ravel().tolist() == [2, 0, 1]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_alignment_equals_brute_force(seed):
    """No renaming of four codes keeps more weight on the diagonal."""
    rng = np.random.default_rng(seed)
    old, new = rng.integers(0, 4, (2, 30, 1))
    popularity = rng.integers(0, 50, 30)
    books = (rng.standard_normal((4, 2)).astype(np.float32),)
    weight = np.sqrt(1 + popularity)

    def kept(pi):
        return weight[np.asarray(pi)[new[:, 0]] == old[:, 0]].sum()

    (pi,) = align_to(old, new, books, books, popularity)
    assert kept(pi) >= max(map(kept, itertools.permutations(range(4)))) - 0.5  # the tie-break's largest say


def test_popular_items_weigh_more():
    """Two unread items against one that is read a lot: the code follows the traffic."""
    old, new = np.array([[0], [1], [1]]), np.array([[0], [0], [0]])
    books = (np.zeros((2, 1), np.float32),)
    assert align_to(old, new, books, books)[0].tolist() == [1, 0]
    assert align_to(old, new, books, books, np.array([99, 0, 0]))[0].tolist() == [0, 1]


def test_codes_without_items_go_to_the_nearest_old_centroid():
    """With no items at all the centroids decide."""
    none = np.zeros((0, 1), np.int64)
    old, new = (np.array([[0], [5], [9]], np.float32),), (np.array([[8], [0], [6]], np.float32),)
    assert align_to(none, none, old, new)[0].tolist() == [2, 0, 1]


def test_alignment_across_latent_widths_ignores_distance():
    """Centroids of different dimensions cannot be compared; overlap alone decides."""
    codes = np.array([[0], [1]])
    old, new = (np.zeros((2, 3), np.float32),), (np.zeros((2, 5), np.float32),)
    assert align_to(codes, codes[::-1], old, new)[0].tolist() == [1, 0]


def test_unequal_shapes_are_refused():
    """Other sizes or levels cannot be aligned, and names must be a permutation."""
    codes, two, three = np.zeros((1, 1), int), (np.zeros((2, 1)),), (np.zeros((3, 1)),)
    with pytest.raises(ShapeError, match=r"sizes \[2\] and new codes \(1, 1\) of sizes \[3\]"):
        align_to(codes, codes, two, three)
    quantizer = quantizer_of([[0], [1]])
    with pytest.raises(ShapeError, match="level 0 has 2 codes"):
        permute(quantizer, (np.array([0, 0]),))
    with pytest.raises(ShapeError, match="0 permutations for 1 levels"):
        permute(quantizer, ())


def test_overlap_of_equal_tables_is_the_identity():
    """Nothing moved: every code with items keeps its row."""
    table = table_of([[0, 1], [1, 0]], (2, 2))
    for level in code_overlap(table, table):
        assert level.kept.tolist() == [1, 1]
        assert level.remap.tolist() == [[1, 0], [0, 1]]


def test_overlap_mixes_the_rows_of_a_code_that_changed():
    """A code whose items came mostly from elsewhere takes their mean; one that mostly stayed keeps its own row."""
    before = table_of([[0], [1], [1], [1], [2], [0]], (3,))
    now = table_of([[0], [0], [0], [1], [1], [2]], (3,))
    (level,) = code_overlap(before, now)
    assert level.kept.tolist() == pytest.approx([1 / 3, 1 / 2, 0])
    assert level.remap.tolist() == [pytest.approx([1 / 3, 2 / 3, 0]), [0, 1, 0], [1, 0, 0]]


def test_overlap_of_a_code_without_history():
    """It takes the mean of the five nearest old centroids, or of all old codes when there are no codebooks."""
    ids = ids_of(0)
    before, now = table_of([[0]], (7,), ids=ids), table_of([[0]], (8,), ids=ids)
    (spread,) = code_overlap(before, now)
    assert spread.remap[7].tolist() == pytest.approx([1 / 7] * 7)
    old = np.arange(7, dtype=np.float32)[:, None]
    new = np.append(old, [[10]], axis=0).astype(np.float32)
    (placed,) = code_overlap(before, now, ((old,), (new,)))
    assert placed.remap[7].tolist() == pytest.approx([0, 0, 0.2, 0.2, 0.2, 0.2, 0.2])
    assert placed.kept[7] == 0
    assert placed.remap.sum(axis=1).tolist() == pytest.approx([1] * 8)


def test_overlap_covers_a_suffix_level():
    """A suffix has no codebook, but its items have a history."""
    before = table_of([[0, 0], [0, 1]], (1, 2))
    now = table_of([[0, 0], [0, 1]], (1, 3))
    books = (np.zeros((1, 2), np.float32),)
    suffix = code_overlap(before, now, (books, books))[1]
    assert suffix.remap.tolist() == [[1, 0], [0, 1], [0.5, 0.5]]


def test_overlap_of_other_depths_is_refused():
    """Tables of different numbers of levels share no rows."""
    with pytest.raises(ShapeError, match="1 old levels and 2 new ones"):
        code_overlap(table_of([[0]], (1,)), table_of([[0, 0]], (1, 1)))
