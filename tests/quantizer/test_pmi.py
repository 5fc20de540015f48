"""Vectors from pairs, and how a quantiser finds them again."""

import numpy as np
import pytest

from sidflow.quantizer.behaviour import Behaviour
from sidflow.quantizer.pmi import learn_behaviour, pmi_vectors
from tests.quantizer.samples import clustered, linked

TRIANGLES = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)]


def test_pmi_vectors_join_what_co_occurs() -> None:
    """Two triangles of items: alike within, unlike across; an item without pairs is zero."""
    vectors = pmi_vectors(linked(TRIANGLES), 7, dimensions=2)
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > 0.99 and cosines[3, 5] > 0.99
    assert abs(cosines[0, 4]) < 0.01
    assert not vectors[6].any()


def test_what_no_kept_singular_vector_reaches_is_zero() -> None:
    """One dimension, which belongs to the group of four: the pair apart has round-off there, not a direction."""
    vectors = pmi_vectors(linked([(a, b) for a in range(4) for b in range(a)] + [(4, 5)]), 6, dimensions=1)
    assert np.abs(vectors[:4]).tolist() == [[1.0]] * 4 and not vectors[4:].any()


def test_pmi_vectors_ignore_heldout_pairs() -> None:
    """Neither side may learn from them."""
    assert not pmi_vectors(linked([(0, 1)], heldout=[True]), 4, dimensions=2).any()


def test_pmi_vectors_are_deterministic() -> None:
    """The solver starts from a fixed vector."""
    pairs = linked([(k, k + 3) for k in range(30)])
    assert np.array_equal(pmi_vectors(pairs, 40, 8), pmi_vectors(pairs, 40, 8))


def test_behaviour_is_found_by_embedding() -> None:
    """Known items have theirs, an item without pairs and a new one have none."""
    embeddings = clustered(7)
    learned = learn_behaviour(embeddings, linked(TRIANGLES))
    found = learned.of(np.vstack([embeddings[[4, 6]], clustered(1, seed=3)]))
    assert found[0] == pytest.approx(pmi_vectors(linked(TRIANGLES), 7)[4], abs=1e-6)
    assert not found[1:].any()


def test_copies_share_what_is_known_of_them() -> None:
    """Items 0 and 3 have one embedding: their behaviour is the direction between both items' own."""
    embeddings = clustered(7)
    embeddings[3] = embeddings[0]
    found, own = learn_behaviour(embeddings, linked(TRIANGLES)).of(embeddings), pmi_vectors(linked(TRIANGLES), 7)
    between = own[0] + own[3]
    assert np.array_equal(found[0], found[3])
    assert found[0] == pytest.approx(between / np.linalg.norm(between), abs=1e-5)


def test_later_behaviour_is_turned_onto_the_earlier() -> None:
    """Against a start whose axes were turned by hand."""
    embeddings, pairs = clustered(40), linked([(k, k + 3) for k in range(30)])
    plain = learn_behaviour(embeddings, pairs)
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((64, 64)))
    before = Behaviour(plain.keys, (plain.vectors @ turn).astype(np.float32))
    assert learn_behaviour(embeddings, pairs, before).vectors == pytest.approx(before.vectors, abs=1e-5)


def test_groups_that_are_alike() -> None:
    """Eight complete groups of one size repeat every singular value; items of a group still get one direction."""
    groups = np.arange(80) // 10
    ends = [(a, b) for a in range(80) for b in range(a + 1, 80) if groups[a] == groups[b]]
    vectors = pmi_vectors(linked(ends), 80, dimensions=8)
    assert (vectors @ vectors.T > 0.9).sum() == 80 * 10
