"""Small synthetic worlds with planted truth: topics, linked items, unequal users.

Item k has id `i00000 + k`, so that the catalogue index (ids in byte order) is k.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from sidflow.histories.table import Histories

FIRST_EVENT_S = 1_600_000_000
NOUNS = ("perfume", "shampoo", "lipstick", "razor", "sponge", "candle", "brush", "lotion", "soap", "mirror")
ADJECTIVES = ("gentle", "bright", "classic", "fresh", "silky", "bold", "pure", "royal", "light", "deep")


@dataclass(frozen=True)
class World:
    """A synthetic world and the truth behind it.

    Attributes:
        interactions: user_id, item_id (string), timestamp (int64 epoch seconds), event (string), weight (float64);
            sorted by time, no two events of a user at the same time.
        items: item_id, title, brand, category (string), by item id.
        topic_of_item: (N,) int64, the item's topic; category and title follow it.
        links: (m, 2) int64 catalogue indices, first < second; users who take one often take the other next.
    """

    interactions: pa.Table
    items: pa.Table
    topic_of_item: npt.NDArray[np.int64]
    links: npt.NDArray[np.int64]


def make_world(users: int = 60, items: int = 40, topics: int = 4, seed: int = 0) -> World:
    """A world of unequally active users (3 events up) with one favourite topic each."""
    rng = np.random.default_rng(seed)
    topic_of_item = rng.permutation(np.arange(items) % topics)
    shuffled = rng.permutation(items)
    links = np.sort(shuffled[: items // 4 * 2].reshape(-1, 2), axis=1)
    partner = np.full(items, -1)
    partner[links[:, 0]], partner[links[:, 1]] = links[:, 1], links[:, 0]
    rows = [_walk(rng, topic_of_item, partner) for _ in range(users)]
    user = np.repeat(np.arange(users), [len(row) for row in rows])
    item = np.concatenate(rows)
    time = FIRST_EVENT_S + rng.permutation(len(item)) * 60
    time = time[np.lexsort((time, user))]
    order = np.argsort(time)
    interactions = pa.table(
        {
            "user_id": [f"u{k:05d}" for k in user[order]],
            "item_id": [f"i{k:05d}" for k in item[order]],
            "timestamp": time[order],
            "event": np.where(rng.random(len(item)) < 0.8, "view", "buy"),
            "weight": rng.integers(1, 6, len(item)).astype(np.float64),
        }
    )
    return World(interactions, _items(rng, topic_of_item), topic_of_item, links)


def make_histories(users: int = 60, items: int = 40, topics: int = 4, seed: int = 0) -> Histories:
    """The histories of `make_world`, split last-out."""
    return histories_of(make_world(users, items, topics, seed))


def histories_of(world: World) -> Histories:
    """The histories of a world, split last-out: of three events or more the last is test, the one before validation."""
    table = world.interactions.sort_by([("user_id", "ascending"), ("timestamp", "ascending")])
    user_ids, counts = np.unique(table["user_id"].to_numpy(zero_copy_only=False).astype(str), return_counts=True)
    item = [int(each[1:]) for each in table["item_id"].to_pylist()]
    return Histories(
        user_ids=pa.array(user_ids.tolist(), pa.string()),
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        items=np.asarray(item, np.int32),
        timestamps=table["timestamp"].to_numpy().astype(np.int64) * 1_000_000,
        n_train=np.where(counts >= 3, counts - 2, counts).astype(np.int32),
        n_validation=(counts >= 3).astype(np.int32),
        item_ids=world.items["item_id"].combine_chunks(),
    )


def make_vectors(world: World, dim: int = 16, spread: float = 0.3, seed: int = 0) -> npt.NDArray[np.float32]:
    """Unit vectors (N, dim) float32 that cluster by topic, `spread` being the noise within a topic."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((int(world.topic_of_item.max()) + 1, dim))
    vectors = centres[world.topic_of_item] + spread * rng.standard_normal((len(world.topic_of_item), dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def write_csv(table: pa.Table, path: Path) -> Path:
    """Write a table as CSV and return its path."""
    pyarrow.csv.write_csv(table, str(path))
    return path


def write_parquet(table: pa.Table, path: Path) -> Path:
    """Write a table as Parquet and return its path."""
    pyarrow.parquet.write_table(table, str(path))
    return path


def _walk(rng: np.random.Generator, topic_of_item: npt.NDArray[np.int64], partner: npt.NDArray[np.int64]) -> list[int]:
    """One user's items: mostly of the favourite topic, popular ones first, often the link of the one before."""
    length = min(3 + int(rng.lognormal(1.2, 0.8)), 60)
    favourites = np.flatnonzero(topic_of_item == rng.choice(topic_of_item))
    taken: list[int] = []
    for _ in range(length):
        if taken and partner[taken[-1]] >= 0 and partner[taken[-1]] not in taken[-2:] and rng.random() < 0.6:
            taken.append(int(partner[taken[-1]]))
        elif rng.random() < 0.8:
            taken.append(int(favourites[int(len(favourites) * rng.random() ** 2)]))
        else:
            taken.append(int(rng.integers(len(topic_of_item))))
    return taken


def _items(rng: np.random.Generator, topic_of_item: npt.NDArray[np.int64]) -> pa.Table:
    noun = [NOUNS[topic % len(NOUNS)] for topic in topic_of_item]
    adjective = rng.choice(ADJECTIVES, len(noun))
    return pa.table(
        {
            "item_id": [f"i{k:05d}" for k in range(len(noun))],
            "title": [f"{a} {n} no. {k}" for k, (a, n) in enumerate(zip(adjective, noun, strict=True))],
            "brand": [f"brand {k}" if k else "" for k in rng.integers(0, 5, len(noun))],
            "category": [f"store > {n} > topic {topic}" for n, topic in zip(noun, topic_of_item, strict=True)],
        }
    )
