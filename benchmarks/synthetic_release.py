"""A recommender over made-up items with random weights: as quick as a trained one of its size, and as right as chance.

What decides how long a call takes is as in a release: the shipped decoder and its rescorer, three levels of 256 codes
with unique SIDs some of whose prefixes are full, and a log and pairs for the memory.
"""

import numpy as np
import pyarrow as pa
import torch
from synthetic_embeddings import make_pairs

from sidflow.config import DatasetConfig, DecoderConfig
from sidflow.dataset.build import Dataset
from sidflow.decoder.memory import Rescorer, build_memory
from sidflow.decoder.model import Decoder
from sidflow.decoder.rescore import FEATURES
from sidflow.histories.table import Histories
from sidflow.recommender import Recommender
from sidflow.semantic_ids.table import SidTable

CODES, LEVELS, CONTENT = 256, 3, 384
EVENTS = 9
"""Mean length of a history, that of Amazon Beauty."""


def make_recommender(items: int, users: int, seed: int = 0) -> tuple[Recommender, Histories]:
    """A recommender of the default settings over so many items, and the histories of the users that it knows."""
    rng = np.random.default_rng(seed)
    ids = pa.array([f"item{each:08d}" for each in range(items)], pa.string())
    sids = SidTable(ids, make_codes(items, rng), (CODES,) * LEVELS)
    vectors = rng.standard_normal((items, CONTENT), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    histories = make_histories(ids, users, rng)
    torch.manual_seed(seed)
    decoder = Decoder(sids, CONTENT, DecoderConfig(), DatasetConfig().max_items).eval()
    decoder.items.known[:] = True
    decoder.rescorer = Rescorer(rng.random(len(FEATURES)), build_memory(histories, make_pairs(items)))
    titles = [f"title of item {each}" for each in range(items)]
    return Recommender(decoder, Dataset(histories, sids), vectors, titles), histories


def make_codes(items: int, rng: np.random.Generator) -> np.ndarray:
    """Unique SIDs, low codes more often, (items, LEVELS) int16."""
    places = CODES ** np.arange(LEVELS)[::-1]
    found = np.zeros(0, np.int64)
    while len(found) < items:
        drawn = (CODES * rng.random((2 * items, LEVELS)) ** 1.5).astype(np.int64)
        found = np.unique(np.concatenate((found, drawn @ places)))
    return (rng.permutation(found)[:items, None] // places % CODES).astype(np.int16)


def make_histories(ids: pa.Array, users: int, rng: np.random.Generator) -> Histories:
    """Training histories in which few items have many events."""
    lengths = 1 + rng.geometric(1 / (EVENTS - 1), users)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    events = (len(ids) * rng.random(offsets[-1]) ** 3).astype(np.int32)
    return Histories(
        pa.array([f"user{each:08d}" for each in range(users)], pa.string()),
        offsets,
        events,
        np.arange(len(events)),
        lengths.astype(np.int32),
        np.zeros(users, np.int32),
        ids,
    )
