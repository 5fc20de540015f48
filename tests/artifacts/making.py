"""Small artifacts for tests."""

from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.artifacts import Manifest, Part, Store


def make_candidate(
    store: Store,
    rows: int,
    files: int = 1,
    adopt: Part | None = None,
    refer: Part | None = None,
    publish: bool = False,
    after: Callable[[str], None] = lambda step: None,
) -> Manifest:
    """A complete attempt of kind `pairs` with `rows` rows in each of its files; calls `after` behind every step."""
    attempt = store.begin("pairs", "f" * 64)
    after("begin")
    for number in range(files):
        pq.write_table(pa.table({"x": pa.array(range(rows), pa.int64())}), attempt.data / f"part-{number}.parquet")
    after("write")
    if adopt is not None:
        attempt.adopt(adopt, "adopted.parquet")
    if refer is not None:
        attempt.refer(refer, "referred.parquet")
    parts = attempt.parts()
    after("parts")
    manifest = make_manifest(attempt.name, rows, parts)
    store.record(manifest)
    after("record")
    if publish:
        store.publish(manifest)
        after("publish")
    return manifest


def make_manifest(attempt: str, rows: int, parts: tuple[Part, ...]) -> Manifest:
    """A manifest with the fields that tests do not look at filled in."""
    return Manifest(
        kind="pairs",
        fingerprint="f" * 64,
        attempt=attempt,
        revision=1,
        identity={},
        inputs={},
        parts=parts,
        rows=rows,
        bytes=sum(part.bytes for part in parts),
        columns={},
        metrics={"rows": rows},
        source_digest="",
        git_commit=None,
        git_dirty=None,
        versions={},
        device="cpu",
        created=datetime.now(UTC).isoformat(),
        seconds=0.0,
        peak_memory_bytes=0,
    )
