"""Stores that cannot be written or no longer hold what they held, and releases that do not fit together."""

import json
from pathlib import Path

from sidflow.artifacts import Store
from sidflow.artifacts.fingerprint import file_digest
from sidflow.config import load_config
from sidflow.release import log_entries, read_release
from tests.errors.case import Case, _run
from tests.errors.spoil import nothing, write


def ran(until: str) -> Case:
    """A run that went well, to spoil its store."""
    return Case("a run", "", nothing, 0, until=until)


def part_of(folder: Path, kind: str, name: str) -> Path:
    """A part of the only artifact of a kind, after a run up to the histories."""
    _run(ran("histories"), folder, [])
    store = Store(load_config(folder / "pipeline.yaml").store.root)
    [manifest] = [each for each in store.manifests() if each.kind == kind]
    return store.local_files(manifest)[name]


def flip(folder: Path) -> None:
    """Change one byte of the catalogue."""
    path = part_of(folder, "catalogue", "catalogue.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_manifest(folder: Path) -> None:
    """Half a manifest."""
    path = part_of(folder, "catalogue", "catalogue.parquet").parents[1] / "manifest.json"
    path.write_bytes(path.read_bytes()[:24])


def foreign_decoder(folder: Path) -> None:
    """Make the live release name the decoder of the one before, checksums and all."""
    store = Store(str(folder / "store"))
    first, second = log_entries(store)
    manifest = store.manifest(second.artifact)
    [part] = manifest.parts
    path = store.local_files(manifest)[part.name]
    content = json.loads(path.read_text())
    content["artifacts"]["decoder"] = read_release(store, first.artifact).artifact("decoder").model_dump(mode="json")
    path.write_text(json.dumps(content))
    forged = part.model_copy(update={"sha256": file_digest(path), "bytes": path.stat().st_size})
    store.record(manifest.model_copy(update={"parts": (forged,)}))


AGAIN = ("histories.min_user_events=3",)

STORE = (
    Case(
        "store below a file",
        "`store.root` leads through a file.",
        nothing,
        1,
        settings=("store.root=FOLDER/pipeline.yaml/store",),
    ),
    Case("store is a file", "`store.root` is a file.", write("store", "not a folder"), 1),
    Case(
        "full store",
        "The disk, quota or file-size limit is reached while a part is written.",
        nothing,
        1,
        file_limit=2048,
    ),
    Case(
        "unknown protocol of the store",
        "`store.root` is a URL that fsspec does not know.",
        nothing,
        2,
        settings=("store.root=warehouse://sidflow",),
    ),
    Case("corrupted part", "A part has another content than its manifest says.", flip, 1, settings=AGAIN),
    Case(
        "part that is gone",
        "Somebody deleted a part.",
        lambda folder: part_of(folder, "catalogue", "catalogue.parquet").unlink(),
        1,
        settings=AGAIN,
    ),
    Case("manifest cut off", "A manifest is not JSON.", cut_manifest, 1, settings=AGAIN),
)

RELEASES = (
    Case(
        "decoder with other SIDs",
        "A release was put together from two: its decoder was trained on another SID table.",
        foreign_decoder,
        1,
        command=("recommend", "u00001"),
        released=True,
    ),
    Case(
        "item that the release does not know",
        "An item of `--history` is not in the live catalogue.",
        nothing,
        2,
        command=("recommend", "--history", "i00001,i99999"),
        released=True,
    ),
    Case(
        "no release yet",
        "A command needs a release, and none is published.",
        nothing,
        1,
        command=("recommend", "u00001"),
    ),
    Case("neither user nor history", "`recommend` needs one of both.", nothing, 2, command=("recommend",)),
    Case("unknown kind", "`show` names no kind of artifact.", nothing, 2, command=("show", "pair")),
)
