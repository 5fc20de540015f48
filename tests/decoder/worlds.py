"""Small worlds for decoder tests: planted histories with SIDs, and histories written out by hand."""

import numpy as np
import pyarrow as pa

from sidflow.config import DecoderConfig
from sidflow.dataset.build import Dataset
from sidflow.decoder.model import Decoder
from sidflow.histories.table import Histories
from sidflow.semantic_ids.table import SidTable
from tests.factories import histories_of, make_vectors, make_world

SMALL = DecoderConfig(
    dim=16, layers=1, heads=2, dropout=0.1, epochs=2, batch_positions=64, validate_every=1, precision="float32"
)


def planted_dataset(users: int = 60, items: int = 40, seed: int = 0) -> tuple[Dataset, np.ndarray]:
    """Users with favourite topics, SIDs topic-rank, and content vectors (N, 16)."""
    world = make_world(users, items, seed=seed)
    topics = world.topic_of_item
    rank = np.array([(topics[:k] == topic).sum() for k, topic in enumerate(topics)])
    return Dataset(histories_of(world), sids_of(np.stack([topics, rank], 1))), make_vectors(world)


def sids_of(codes: np.ndarray, item_ids: pa.Array | None = None) -> SidTable:
    """A SID table with the fewest codes that fit."""
    ids = pa.array([f"i{k:05d}" for k in range(len(codes))], pa.string()) if item_ids is None else item_ids
    return SidTable(ids, np.asarray(codes, np.int16), tuple(int(size) + 1 for size in codes.max(0)))


def histories_by_hand(rows: list[list[int]], n_train: list[int], n_validation: list[int], items: int) -> Histories:
    """Histories of users u0, u1 ... over items i00000 ..."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    events = np.array([item for row in rows for item in row], np.int32)
    return Histories(
        pa.array([f"u{k}" for k in range(len(rows))], pa.string()),
        offsets,
        events,
        np.arange(len(events), dtype=np.int64),
        np.array(n_train, np.int32),
        np.array(n_validation, np.int32),
        pa.array([f"i{k:05d}" for k in range(items)], pa.string()),
    )


def random_decoder(sids: SidTable, content: int = 6, seed: int = 0, **settings: object) -> Decoder:
    """An untrained decoder in evaluation mode whose weights are large enough to tell items apart."""
    import torch

    config = SMALL.model_copy(update=settings)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        decoder = Decoder(sids, content, config, max_items=8)
        for parameter in decoder.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        decoder.items.known[:] = True
    return decoder.eval()
