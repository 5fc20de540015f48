"""Where rows of forgotten users are still found, and what was learned from them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.artifacts import Manifest, Store
from sidflow.interactions.forgotten import Forgotten
from sidflow.lifecycle.inventory import Stored, take_inventory
from sidflow.lifecycle.references import pinned_artifacts
from sidflow.release import current_entry, log_entries, standing

LEARNED = ("pairs", "quantizer", "semantic_ids", "decoder")


@dataclass(frozen=True)
class Trace:
    """What a release still holds of forgotten users.

    Attributes:
        release: Its id.
        as_of: Its logical time.
        current: Whether it is live.
        rows: Rows of those users, by kind of artifact.
        learned: Kinds that hold no row of theirs, but numbers that were computed from such rows.
    """

    release: str
    as_of: datetime
    current: bool
    rows: dict[str, int]
    learned: tuple[str, ...]


@dataclass
class Tracer:
    """Looks for users in artifacts, in each part once, whatever names it."""

    store: Store
    forgotten: Forgotten
    counts: dict[str, int] = field(default_factory=dict)

    def rows(self, manifest: Manifest) -> int:
        """Rows of those users in an artifact."""
        if manifest.kind == "segment" or not self.forgotten:
            return 0
        return sum(self._part(part.path, part.sha256, part.name) for part in manifest.parts)

    def _part(self, path: str, sha256: str, name: str) -> int:
        if not name.endswith((".parquet", ".arrow")):
            return 0
        if sha256 not in self.counts:
            self.counts[sha256] = self._count(path, name)
        return self.counts[sha256]

    def _count(self, path: str, name: str) -> int:
        count = 0
        with self.store.storage.fetched(path) as local:
            for users in _users(local, name):
                count += self.forgotten.rows(users)[0].true_count
            for raw in _raw(local, name):
                count += self.forgotten.in_texts(raw)[0].true_count
        return count


def find_traces(store: Store, forgotten: Forgotten) -> tuple[tuple[Trace, ...], dict[str, int]]:
    """Where these users still are.

    Returns:
        The releases that hold rows of theirs, or numbers learned from such rows, oldest first; and every artifact that
        holds such rows, whether a release pins it or not, with how many.
    """
    stored = take_inventory(store)
    tracer = Tracer(store, forgotten)
    rows = {folder: tracer.rows(each.manifest) for folder, each in stored.items() if each.manifest}
    tainted = _descendants(stored, {folder for folder, count in rows.items() if count})
    entries = log_entries(store)
    live = current_entry(entries)
    traces = []
    for entry in standing(entries).values():
        pinned = {kind: each.path.removesuffix("/data") for kind, each in pinned_artifacts(entry, stored).items()}
        found = {kind: rows[folder] for kind, folder in pinned.items() if rows.get(folder)}
        learned = tuple(kind for kind in LEARNED if pinned.get(kind) in tainted)
        if found or learned:
            is_live = live is not None and live.release == entry.release
            traces.append(Trace(entry.release, entry.as_of, is_live, found, learned))
    return tuple(traces), {str(stored[folder]): count for folder, count in rows.items() if count}


def _descendants(stored: Mapping[str, Stored], roots: set[str]) -> set[str]:
    """These attempts and all that was made from them, as far as manifests tell."""
    found = set(roots)
    while True:
        more = {
            folder
            for folder, each in stored.items()
            if folder not in found
            and each.manifest
            and any(made.path.removesuffix("/data") in found for made in each.manifest.inputs.values())
        }
        if not more:
            return found
        found |= more


def _users(path: Path, name: str) -> Iterator[pa.ChunkedArray | pa.Array]:
    """The column `user_id` of a file, in pieces; nothing if it has none."""
    if name.endswith(".parquet"):
        with pq.ParquetFile(path) as file:
            if "user_id" in file.schema_arrow.names:
                yield from (each.column(0) for each in file.iter_batches(columns=["user_id"]))
        return
    with pa.memory_map(str(path)) as source:
        reader = pa.ipc.open_file(source)
        if "user_id" in reader.schema.names:
            yield from (reader.get_batch(k)["user_id"] for k in range(reader.num_record_batches))


def _raw(path: Path, name: str) -> Iterator[pa.Array]:
    """The raw text of rejected interactions."""
    if name.startswith("rejects/"):
        with pq.ParquetFile(path) as file:
            yield from (each.column(0) for each in file.iter_batches(columns=["raw"]))
