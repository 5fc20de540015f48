"""Clustered embeddings and pairs of any size, for benchmarks of cost."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from sidflow.embedding.table import Embeddings, write_embeddings
from sidflow.pairs.table import Pairs

DIMENSIONS, TOPICS, INNER = 384, 500, 32
PAIRS_PER_ITEM = 2
CHUNK = 65_536


def make_embeddings(items: int, folder: Path) -> None:
    """Unit vectors around log-normally sized topics in a 32-dimensional subspace, and a little noise in all others."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((TOPICS, INNER), np.float32)
    outwards = rng.standard_normal((INNER, DIMENSIONS), np.float32) / INNER**0.5
    topics = topic_of(items)
    vectors = np.empty((items, DIMENSIONS), np.float32)
    for start in range(0, items, CHUNK):
        topic = topics[start : start + CHUNK]
        inner = centres[topic] + 0.5 * rng.standard_normal((len(topic), INNER), np.float32)
        noise = rng.standard_normal((len(topic), DIMENSIONS), np.float32)
        vectors[start : start + CHUNK] = inner @ outwards + 0.1 * noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = pa.array(np.arange(items)).cast(pa.string())
    write_embeddings(Embeddings(ids, vectors), folder)


def topic_of(items: int) -> np.ndarray:
    """The topic of every item, (items,), ascending."""
    shares = np.random.default_rng(1).lognormal(size=TOPICS)
    return np.sort(np.random.default_rng(2).choice(TOPICS, items, p=shares / shares.sum()))


def make_pairs(items: int) -> Pairs:
    """Pairs of items of one topic, two an item, so that the loss over pairs costs what it does."""
    rng, ends = np.random.default_rng(3), np.searchsorted(topic_of(items), np.arange(TOPICS + 1))
    a = np.repeat(np.arange(items), PAIRS_PER_ITEM)
    topic = np.searchsorted(ends, a, side="right") - 1
    b = ends[topic] + rng.integers(ends[topic + 1] - ends[topic])
    keys = np.unique((np.minimum(a, b) * items + np.maximum(a, b))[a != b])
    ones, no = np.ones(len(keys)), np.zeros(len(keys), bool)
    return Pairs(
        a=(keys // items).astype(np.int32),
        b=(keys % items).astype(np.int32),
        support=ones.astype(np.int32),
        expected=ones,
        pmi=ones,
        p_value=0 * ones,
        significant=~no,
        weight=ones.astype(np.float32),
        heldout=no,
    )
