"""Recommendations for every user of a release, shard by shard, so that a killed run goes on where it stopped."""

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.artifacts import Store
from sidflow.config import CatalogueConfig
from sidflow.dataset.build import Dataset, read_dataset
from sidflow.decoder.reasons import ItemTexts
from sidflow.export.destination import Destination
from sidflow.export.handoff import read_items
from sidflow.export.rows import describe
from sidflow.export.tables import Stream, write_stream
from sidflow.interactions.tombstones import read_forgotten
from sidflow.recommender import RankedUsers, Recommender, check_k, load_recommender
from sidflow.release import Release

REVISION = 2  # bump it when a change of code changes what is scored
SHARD_USERS, SHARD_ROWS = 4_096, 400_000  # most of both in a shard
BATCH_USERS = 128  # at once; more did not pay on a CPU

SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "rank": pa.int32(),
        "item_id": pa.string(),
        "title": pa.string(),
        "sid": pa.string(),
        "score": pa.float32(),
        "reason": pa.string(),
        "release": pa.string(),
    }
)
"""One row a recommendation: users in the order of the histories, their items best first."""


def score_users(
    store: Store,
    release: Release,
    catalogue: CatalogueConfig | None,
    place: Destination,
    k: int = 10,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write every user's k best items to a file, one row each (`SCHEMA`); returns the rows.

    Items that a user has seen, items that are unavailable, and users who were forgotten are left out.

    Args:
        store: Where the release is.
        release: What recommends; its histories say who the users are.
        catalogue: Where the item files are, for what is unavailable now; None: only what the release knows as such.
        place: The file, which is there whole at the end or not at all.
        k: Items per user.
        on_progress: Called with (done, total) users.

    Raises:
        ConfigError: If there is no right or room to write.
        DataContractError: If k is below 1.
        ReleaseMismatch: If the decoder belongs to another SID table.
    """
    scoring = Scoring(store, release, catalogue, k)
    rows = write_stream(scoring.stream(on_progress), place)
    scoring.clean()
    return rows


@dataclass(frozen=True)
class Scoring:
    """All users of a release and their k best items.

    Finished shards lie under `<root>/cache/scores/`, named by all that determines them; a run that is
    started again reads them and scores the rest. They are removed when all is written.
    """

    store: Store
    release: Release
    catalogue: CatalogueConfig | None = None
    k: int = 10

    def stream(self, on_progress: Callable[[int, int], None] | None = None) -> Stream:
        """The rows of `SCHEMA`, a shard a batch; see `score_users` for what is left out.

        Raises:
            DataContractError: If k is below 1.
            ReleaseMismatch: If the decoder belongs to another SID table.
        """
        check_k(self.k)
        about = describe(self.release, self.dataset.sids) | {"k": self.k, "users": int(self._wanted.sum())}
        return Stream(SCHEMA, self._batches(on_progress), about)

    def clean(self) -> None:
        """Remove the finished shards: they are in what was written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @cached_property
    def dataset(self) -> Dataset:
        """Histories and SIDs of the release."""
        return read_dataset(self.store.files(self.release.artifact("dataset")))

    @property
    def users(self) -> int:
        """How many users there are."""
        return len(self.dataset.histories.user_ids)

    @cached_property
    def _wanted(self) -> npt.NDArray[np.bool_]:
        """Users of the release who were not forgotten since it was made, (u,)."""
        gone, _ = read_forgotten(self.store).rows(self.dataset.histories.user_ids)
        return ~np.asarray(gone.to_numpy(zero_copy_only=False), dtype=bool)

    @property
    def _shard_users(self) -> int:
        return max(1, min(SHARD_USERS, SHARD_ROWS // self.k))

    @cached_property
    def _recommender(self) -> Recommender:
        return load_recommender(self.store, self.release, self.catalogue)

    @cached_property
    def _texts(self) -> ItemTexts:
        sids = self.dataset.sids
        return ItemTexts.of(sids, read_items(self.store, self.release, sids.item_ids)["title"].combine_chunks())

    @cached_property
    def _folder(self) -> Path:
        """Of this very scoring: items that become unavailable, or users that are forgotten, make it another one."""
        recipe = json.dumps([REVISION, self.release.id, self.k, self._shard_users])
        left_out = np.packbits(self._recommender.available).tobytes() + np.packbits(self._wanted).tobytes()
        key = hashlib.sha256(recipe.encode() + left_out).hexdigest()[:16]
        return self.store.cache_folder("scores") / key

    def _batches(self, on_progress: Callable[[int, int], None] | None) -> Iterator[pa.RecordBatch]:
        for first in range(0, self.users, self._shard_users):
            last = min(first + self._shard_users, self.users)
            yield self._shard(first, last, on_progress)
            if on_progress:
                on_progress(last, self.users)

    def _shard(self, first: int, last: int, on_progress: Callable[[int, int], None] | None) -> pa.RecordBatch:
        path = self._folder / f"{first:012d}.parquet"
        with suppress(FileNotFoundError, pa.ArrowInvalid):  # a machine that lost power may leave an empty file
            found = pq.read_table(path, partitioning=None).combine_chunks().to_batches()
            return found[0] if found else pa.RecordBatch.from_pylist([], SCHEMA)
        batch = self._score(first, last, on_progress)
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            pq.write_table(pa.Table.from_batches([batch]), temporary, compression="zstd")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return batch

    def _score(self, first: int, last: int, on_progress: Callable[[int, int], None] | None) -> pa.RecordBatch:
        """The rows of users [first, last); those with histories of like length are scored together."""
        order = np.argsort(np.diff(self.dataset.histories.offsets[first : last + 1]), kind="stable")
        shape = (last - first, self.k)
        items, scores = np.full(shape, -1, np.int64), np.full(shape, -np.inf, np.float32)
        depths, like = np.zeros(shape, np.int8), np.zeros(shape, np.int64)
        partners, followed = np.full(shape, -1, np.int64), np.full(shape, -1, np.int64)
        ranked = RankedUsers(items, scores, depths, like, partners, followed)
        for start in range(0, len(order), BATCH_USERS):
            rows = order[start : start + BATCH_USERS]
            for all_rows, found in zip(ranked, self._recommender.rank_users(first + rows, self.k), strict=True):
                all_rows[rows] = found
            if on_progress:
                on_progress(first + min(start + BATCH_USERS, len(order)), self.users)
        return self._rows(first, ranked)

    def _rows(self, first: int, ranked: RankedUsers) -> pa.RecordBatch:
        chosen = (ranked.items >= 0) & self._wanted[first : first + len(ranked.items), None]
        user, place = np.nonzero(chosen)
        items, scores, depths, like, partners, followed = (each[chosen] for each in ranked)
        listed = pa.array(items)
        texts, user_ids = self._texts, self.dataset.histories.user_ids.slice(first, len(ranked.items)).combine_chunks()
        columns = [
            user_ids.take(pa.array(user)),
            pa.array(place + 1, pa.int32()),
            texts.ids.take(listed),
            texts.titles.take(listed),
            texts.sids.take(listed),
            pa.array(scores),
            texts.reasons(listed, depths, pa.array(like), partners, followed),
            pa.repeat(self.release.id, len(user)),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
