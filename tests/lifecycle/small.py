"""Small stores with releases that share parts, made without training."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.artifacts import Artifact, Manifest, Part, Store
from sidflow.release import Release, announce
from sidflow.sources import REJECTS_SCHEMA
from tests.artifacts.making import make_manifest

LATER = datetime.now(UTC) + timedelta(days=30)
"""A moment at which nothing that the tests write is young."""


def put(
    store: Store,
    kind: str,
    fingerprint: str,
    tables: Mapping[str, pa.Table] | None = None,
    inputs: Mapping[str, Artifact] | None = None,
    adopt: Mapping[str, Part] | None = None,
    refer: Mapping[str, Part] | None = None,
    publish: bool = True,
    **changes: Any,
) -> Manifest:
    """Write, record and publish an artifact with these tables and older parts."""
    attempt = store.begin(kind, fingerprint)
    for name, table in (tables or {}).items():
        pq.write_table(table, attempt.data / name)
    for name, part in (adopt or {}).items():
        attempt.adopt(part, name)
    for name, part in (refer or {}).items():
        attempt.refer(part, name)
    content = make_manifest(attempt.name, 1, attempt.parts()).model_dump()
    content |= {"kind": kind, "fingerprint": fingerprint, "inputs": dict(inputs or {}), **changes}
    manifest = Manifest.model_validate(content)
    store.record(manifest)
    return store.publish(manifest, replace=True) if publish else manifest


def part(manifest: Manifest, name: str) -> Part:
    """A part by its name."""
    return next(each for each in manifest.parts if each.name == name)


def put_segment(store: Store, fingerprint: str, users: list[str], raw: list[str]) -> Manifest:
    """A segment with one row a user at seconds 0, 1 ..., and rejects with these texts."""
    times = pa.array([k * 1_000_000 for k in range(len(users))], pa.timestamp("us", "UTC"))
    rows = pa.table({"user_id": users, "item_id": ["i"] * len(users), "timestamp": times})
    rejects = [{"file": "a.csv", "row": k + 1, "reason": "bad", "raw": text} for k, text in enumerate(raw)]
    metrics = {
        "source": "a.csv",
        "source_rows": len(users) + len(raw),
        "rows": len(users),
        "rejects": {"bad": len(raw)} if raw else {},
        "not_kept": {},
        "min_timestamp_us": 0,
        "max_timestamp_us": (len(users) - 1) * 1_000_000,
        "timestamp_unit": "s",
        "order_types": [],
    }
    tables = {"rows.parquet": rows, "rejects.parquet": pa.Table.from_pylist(rejects, REJECTS_SCHEMA)}
    return put(store, "segment", fingerprint, tables, rows=len(users), metrics=metrics)


def put_release(store: Store, name: str, day: int, segment: Manifest, tags: tuple[str, ...] = ()) -> Release:
    """A release of a day of July 2014: interactions of a segment, histories, a data set that names their parts."""
    interactions = put(
        store,
        "interactions",
        f"interactions-{name}",
        inputs={"segment_00000": store.artifact(segment)},
        adopt={"part-00000.parquet": part(segment, "rows.parquet")},
        refer={"rejects/part-00000.parquet": part(segment, "rejects.parquet")},
    )
    histories = put(store, "histories", f"histories-{name}", {"histories.parquet": pa.table({"x": [day]})})
    dataset = put(store, "dataset", f"dataset-{name}", refer={"h.parquet": part(histories, "histories.parquet")})
    pinned = {each.kind: store.artifact(each) for each in (interactions, histories, dataset)}
    release = Release(
        id=name,
        as_of=datetime(2014, 7, day, tzinfo=UTC),
        previous=None,
        artifacts=pinned,
        decision="full",
        metrics={"test": {}},
    )
    attempt = store.begin("release", name)
    (attempt.data / "release.json").write_text(release.model_dump_json())
    content = make_manifest(attempt.name, 1, attempt.parts()).model_dump()
    manifest = Manifest.model_validate({**content, "kind": "release", "fingerprint": name, "inputs": pinned})
    store.record(manifest)
    store.publish(manifest)
    announce(store, release, store.artifact(manifest), promote=False, tags=tags)
    return release


def all_files(store: Store) -> set[str]:
    """Every file of the artifacts."""
    return set(store.storage.files("artifacts"))


def check_whole(store: Store) -> None:
    """Whatever a reader can find is whole: all parts of all manifests, and what pointers name."""
    for manifest in store.manifests():
        store.files(store.artifact(manifest))
        found = store.find(manifest.kind, manifest.fingerprint)
        assert found is not None
        store.local_files(found)
