"""Alignment of code names."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.errors import ShapeError
from sidflow.quantizer.codebook import CHUNK
from sidflow.semantic_ids.align import align_quantizer, align_to, permute
from tests.semantic_ids.planted import ids_of, quantizer_of, random_quantizer, table_of, unit_vectors
from tests.semantic_ids.reading import Watched


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
    """No renaming of four codes keeps more items on the diagonal."""
    rng = np.random.default_rng(seed)
    old, new = rng.integers(0, 4, (2, 30, 1))
    books = (rng.standard_normal((4, 2)).astype(np.float32),)

    def kept(pi):
        return (np.asarray(pi)[new[:, 0]] == old[:, 0]).sum()

    (pi,) = align_to(old, new, books, books)
    assert kept(pi) >= max(map(kept, itertools.permutations(range(4)))) - 0.5  # the tie-break's largest say


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


def test_alignment_reads_embeddings_in_chunks():
    """A refit is aligned without ever holding the vectors of all common items; new items are not looked at."""
    quantizer, items = random_quantizer((4, 3)), 2 * CHUNK + 5
    vectors = unit_vectors(items)
    old = quantizer.assign(quantizer.encode(vectors))
    table = table_of(old[:-3].tolist(), (4, 3), ids=ids_of(*range(items - 3)))
    rows = np.append(np.arange(items - 3), [-1, -1, -1])
    renamed = permute(quantizer, (np.array([2, 0, 3, 1]), np.array([1, 2, 0])))
    watched = Watched(vectors)
    restored = align_quantizer(renamed, quantizer, watched, table, rows)
    assert all((a == b).all() for a, b in zip(restored.codebooks, quantizer.codebooks, strict=True))
    assert sum(watched.read) == items - 3
    assert max(watched.read) == CHUNK
