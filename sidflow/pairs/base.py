"""Where the counts of the run before are kept: an accelerator, which may be deleted at any time."""

import hashlib
import json
import logging
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sidflow.pairs.incremental import Base
from sidflow.pairs.log import Log

logger = logging.getLogger(__name__)

FORMAT = 2
_ARRAYS = ("offsets", "items", "back", "ahead", "keys", "support")
_IDS = ("user_ids", "item_ids")
_LEFT_OVER_S = 86_400  # what a killed run left, or another one is writing, is not touched for so long


def save_base(base: Base, folder: Path, settings: str) -> None:
    """Put a base in the place of the one before; a reader sees either, whole, and runs do not disturb each other.

    Args:
        base: What to keep.
        folder: Of this kind of count in the cache.
        settings: The settings under which it was counted.
    """
    attempt = folder / uuid.uuid4().hex
    attempt.mkdir(parents=True)
    before = _note(folder)
    for name, array in _arrays(base).items():
        np.save(attempt / f"{name}.npy", array)
    for name in _IDS:
        with pa.OSFile(str(attempt / f"{name}.arrow"), "wb") as sink:
            table = pa.table({"id": getattr(base, name)})
            with pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
    digests = {path.name: _digest(path) for path in sorted(attempt.iterdir())}  # instead of waiting for the disk
    note = {
        "format": FORMAT,
        "settings": settings,
        "window": base.log.window,
        "attempt": attempt.name,
        "sha256": digests,
    }
    temporary = folder / f".{attempt.name}.json"
    temporary.write_text(json.dumps(note))
    temporary.replace(folder / "base.json")
    _clean(folder, attempt.name, before.get("attempt"))


def load_base(folder: Path, settings: str) -> Base | None:
    """The base in a folder, memory-mapped; None if there is none, not one of these settings, or not what was saved."""
    note = _note(folder)
    if (note.get("format"), note.get("settings")) != (FORMAT, settings):
        return None
    try:
        attempt = folder / note["attempt"]
        if any(_digest(attempt / name) != digest for name, digest in note["sha256"].items()):
            logger.warning("pairs: the kept counts in %s are damaged; counting from nothing.", attempt)
            return None
        array = {name: np.load(attempt / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        user_ids, item_ids = (
            pa.ipc.open_file(pa.memory_map(str(attempt / f"{name}.arrow"))).read_all()["id"].combine_chunks()
            for name in _IDS
        )
    except OSError:
        return None  # half deleted, or replaced meanwhile: an accelerator that is not there
    log = Log(array["offsets"], array["items"], note["window"], array["back"], array["ahead"])
    return Base(user_ids, item_ids, log, array["keys"], array["support"])


def _note(folder: Path) -> dict[str, Any]:
    """What base.json says; nothing if it cannot be read or is not what `save_base` writes."""
    try:
        note = json.loads((folder / "base.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    kinds = {"format": int, "settings": str, "window": int, "attempt": str, "sha256": dict}
    sound = isinstance(note, dict) and all(isinstance(note.get(name), kind) for name, kind in kinds.items())
    return note if sound else {}


def _clean(folder: Path, attempt: str, before: str | None) -> None:
    """Remove what this base replaces, and what was left over long ago."""
    for other in folder.iterdir():
        with suppress(FileNotFoundError):  # another run may be putting its own in place, or cleaning as well
            old = time.time() - other.stat().st_mtime > _LEFT_OVER_S
            if other.is_dir() and other.name != attempt and (other.name == before or old):
                shutil.rmtree(other, ignore_errors=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _arrays(base: Base) -> dict[str, np.ndarray]:
    return {name: getattr(base.log if name in Log._fields else base, name) for name in _ARRAYS}
