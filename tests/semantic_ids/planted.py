"""Hand-written quantisers and tables for the tests of this folder."""

import numpy as np
import pyarrow as pa

from sidflow.quantizer.codebook import Quantizer
from sidflow.semantic_ids.table import SidTable


def quantizer_of(*codebooks, biases=None):
    """A quantiser with an identity encoder from nested lists of code vectors."""
    books = tuple(np.asarray(book, np.float32) for book in codebooks)
    zeros = tuple(np.zeros(len(book), np.float32) for book in books)
    offsets = zeros if biases is None else tuple(np.asarray(bias, np.float32) for bias in biases)
    return Quantizer(np.zeros(books[0].shape[1], np.float32), (), books, offsets, "by hand")


def random_quantizer(sizes, dim=4, seed=0):
    """A quantiser whose levels get finer: random code vectors, a third as long each level."""
    rng = np.random.default_rng(seed)
    return quantizer_of(*(rng.standard_normal((size, dim)) / 3**level for level, size in enumerate(sizes)))


def unit_vectors(items, dim=4, seed=0):
    """Random unit vectors (items, dim) float32."""
    vectors = np.random.default_rng(seed).standard_normal((items, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def ids_of(*numbers):
    """Item ids in byte order of the numbers."""
    return pa.array([f"i{number:05d}" for number in numbers], pa.string())


def table_of(codes, sizes, ids=None, topics=None):
    """A SID table from a nested list of codes."""
    rows = np.asarray(codes, np.int16).reshape(len(codes), len(sizes))
    return SidTable(ids_of(*range(len(rows))) if ids is None else ids, rows, tuple(sizes), topics)
