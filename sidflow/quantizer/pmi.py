"""Vectors from pairs: what co-occurs lies close."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.utils.extmath import randomized_svd

from sidflow.pairs.table import Pairs
from sidflow.quantizer.behaviour import Array, Behaviour
from sidflow.quantizer.digests import row_digests

DIMENSIONS = 64
LEAST = 1e-4  # of the longest row: what is shorter is round-off, and points nowhere


def learn_behaviour(embeddings: npt.NDArray[Any], pairs: Pairs | None, before: Behaviour | None = None) -> Behaviour:
    """The behaviour of a catalogue, as pairs not held out show it.

    Args:
        embeddings: (N, D).
        pairs: Mined pairs over the same indices; None for none.
        before: Of the previous fit: the new vectors are rotated onto it, since an SVD leaves its axes open.

    Source of the rotation: Schönemann 1966, A generalized solution of the orthogonal Procrustes problem.
    """
    vectors = np.zeros((len(embeddings), DIMENSIONS), np.float32)
    if pairs is not None:
        vectors = pmi_vectors(pairs, len(embeddings), DIMENSIONS)
    linked = np.flatnonzero(vectors.any(axis=1))
    keys, inverse = np.unique(row_digests(embeddings[linked])[:, 0], return_inverse=True)
    total = np.zeros((len(keys), DIMENSIONS), np.float32)
    np.add.at(total, inverse, vectors[linked])  # copies of one embedding share what is known of them
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), np.float32(1e-12))
    if before is not None:
        _, now, then = np.intersect1d(keys, before.keys, return_indices=True)
        left, _, right = np.linalg.svd(total[now].T @ before.vectors[then])
        total = total @ (left @ right)
    return Behaviour(keys, total)


def pmi_vectors(pairs: Pairs, items: int, dimensions: int = DIMENSIONS) -> Array:
    """Unit vectors from behaviour alone: truncated SVD of the matrix of positive PMI over pairs not held out.

    Args:
        pairs: Mined pairs.
        items: Number of items in the catalogue.
        dimensions: Singular vectors kept; fewer if the catalogue is smaller.

    Returns:
        (items, dimensions) float32; zero rows for items without a pair, and for those that the kept singular vectors
        do not reach, as a pair of items that co-occur with each other alone among many others.

    Randomised, since Lanczos iterations give up on the repeated singular values of item groups that are alike.

    Source: Halko et al. 2009, arXiv 0909.4061 (the SVD); Levy and Goldberg 2014, Neural word embedding as implicit
    matrix factorization, section 5.
    """
    use = ~pairs.heldout & (pairs.pmi > 0)
    rows, columns = np.concatenate([pairs.a[use], pairs.b[use]]), np.concatenate([pairs.b[use], pairs.a[use]])
    matrix = csr_matrix((np.tile(pairs.pmi[use], 2), (rows, columns)), shape=(items, items))
    rank = min(dimensions, items - 1)
    vectors = np.zeros((items, dimensions), np.float32)
    if not matrix.nnz or rank < 1:
        return vectors
    left, singular, _ = randomized_svd(matrix, rank, n_iter=7, random_state=0)
    vectors[:, :rank] = left * np.sqrt(singular)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    reached = (matrix.getnnz(axis=1) > 0)[:, None] & (norms > LEAST * norms.max())
    return np.where(reached, vectors / np.maximum(norms, np.float32(1e-12)), np.float32(0))
