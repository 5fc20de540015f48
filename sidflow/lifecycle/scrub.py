"""Taking users out of cleaned segments and out of the rows that gates have kept as evidence."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.artifacts import Attempt, Manifest, Store
from sidflow.interactions.clean import Cleaned
from sidflow.interactions.facts import SegmentCounts
from sidflow.interactions.forgotten import Forgotten
from sidflow.lifecycle.inventory import take_inventory
from sidflow.lifecycle.removal import DISCARDED, delete_files, discard, dismantle

Match = Callable[[pa.Table], tuple[pa.Array, frozenset[str]]]


@dataclass(frozen=True)
class Scrubbed:
    """What was taken out of one segment.

    Attributes:
        segment: Its name.
        source: The file it was cleaned from.
        rows: Interactions taken out.
        rejects: Rejected rows taken out.
    """

    segment: str
    source: str
    rows: int
    rejects: int


def scrub_segments(store: Store, forgotten: Forgotten, dry_run: bool = False) -> list[Scrubbed]:
    """Rewrite every segment that holds rows of forgotten users as a new attempt of the same recipe, and delete the old.

    A segment that does not count, because another attempt does or it was never published, is deleted.
    """
    matches: dict[str, Match] = {
        "rows.parquet": lambda table: forgotten.rows(table["user_id"]),
        "rejects.parquet": lambda table: forgotten.in_texts(table["raw"]),
    }
    done, old = [], []
    for stored in take_inventory(store).values():
        manifest = stored.manifest
        if f"{stored.folder}/{DISCARDED}" in stored.files and not dry_run:
            dismantle(store, stored)  # a call like this one was killed
            old.append(stored)
            continue
        if manifest is None or manifest.kind != "segment":
            continue
        files = store.local_files(manifest)
        found = {name: _count(files[name], match) for name, match in matches.items()}
        users = frozenset().union(*(each for _, each in found.values()))
        if not users:
            continue
        counts = {name: count for name, (count, _) in found.items()}
        done.append(
            Scrubbed(str(stored), manifest.metrics["source"], counts["rows.parquet"], counts["rejects.parquet"])
        )
        if dry_run:
            continue
        if stored.published:
            _rewrite(store, manifest, files, {name: matches[name] for name in matches if counts[name]}, users)
        discard(store, stored)
        old.append(stored)
    if not dry_run:
        delete_files(store, old)
    return done


def scrub_evidence(store: Store, forgotten: Forgotten, dry_run: bool = False) -> int:
    """Take rows of forgotten users out of every `failing_rows.jsonl`; returns how many."""
    count = 0
    for stored in take_inventory(store).values():
        path = f"{stored.folder}/failing_rows.jsonl"
        lines = (store.storage.read(path) or b"").decode().splitlines() if path in stored.files else []
        kept = [each for each in lines if not forgotten.in_text(each)]
        count += len(lines) - len(kept)
        if len(kept) < len(lines) and not dry_run:
            store.storage.write(path, "\n".join(kept).encode())
    return count


def _count(path: Path, match: Match) -> tuple[int, frozenset[str]]:
    """Rows that match, and of which users."""
    rows, users = 0, frozenset[str]()
    with pq.ParquetFile(path) as file:
        for group in file.iter_batches():
            mask, found = match(pa.Table.from_batches([group]))
            rows, users = rows + mask.true_count, users | found
    return rows, users


def _rewrite(
    store: Store, manifest: Manifest, files: dict[str, Path], matches: dict[str, Match], users: frozenset[str]
) -> None:
    """Publish a new attempt of a segment, without what matches; the files that nothing matches in are taken over."""
    attempt = store.begin("segment", manifest.fingerprint)
    with attempt.writing():
        for part in manifest.parts:
            if part.name in matches:
                _copy_without(files[part.name], matches[part.name], attempt.data / part.name)
            else:
                attempt.adopt(part, part.name)
        facts = _facts(manifest, attempt, files, matches)
        parts = attempt.parts()
    known = set(manifest.metrics.get("forgotten", ()))
    rewritten = manifest.model_copy(
        update={
            "attempt": attempt.name,
            "parts": parts,
            "rows": facts["rows"],
            "bytes": sum(part.bytes for part in parts),
            "metrics": {**manifest.metrics, **facts, "forgotten": sorted(known | users)},
            "created": datetime.now(UTC).isoformat(),
        }
    )
    store.record(rewritten)
    store.publish(rewritten, replace=True)


def _copy_without(path: Path, match: Match, target: Path) -> None:
    with pq.ParquetFile(path) as file, pq.ParquetWriter(target, file.schema_arrow, compression="zstd") as writer:
        for group in file.iter_batches():
            table = pa.Table.from_batches([group])
            table = table.filter(pc.invert(match(table)[0]))
            if table.num_rows:
                writer.write_table(table)


def _facts(manifest: Manifest, attempt: Attempt, files: dict[str, Path], matches: dict[str, Match]) -> dict[str, Any]:
    """Rows, rejects by reason and range of time of what was written."""
    paths = {name: attempt.data / name if name in matches else files[name] for name in files}
    counts = SegmentCounts()
    rejects = pq.read_table(paths["rejects.parquet"], partitioning=None)
    with pq.ParquetFile(paths["rows.parquet"]) as file:
        empty = file.schema_arrow.empty_table()
        for group in file.iter_batches():
            counts.add(group.num_rows, Cleaned(pa.Table.from_batches([group]), rejects.slice(0, 0), {}))
    counts.add(rejects.num_rows, Cleaned(empty, rejects, {}))
    passed_over = manifest.metrics["not_kept"]
    source_rows = counts.source_rows + sum(passed_over.values())
    return {**counts.as_dict(), "source_rows": source_rows, "not_kept": passed_over}
