"""Where the counts of the run before are kept: an accelerator, which may be deleted at any time."""

import json
import shutil
import uuid
from pathlib import Path

import numpy as np
import pyarrow as pa

from sidflow.pairs.incremental import Base
from sidflow.pairs.log import Log

FORMAT = 1
_ARRAYS = ("offsets", "items", "back", "ahead", "keys", "support")


def save_base(base: Base, folder: Path, settings: str) -> None:
    """Put a base in the place of the one before; a reader sees either, whole.

    Args:
        base: What to keep.
        folder: Of this kind of count in the cache.
        settings: The settings under which it was counted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    attempt = folder / uuid.uuid4().hex
    attempt.mkdir()
    for name, array in _arrays(base).items():
        np.save(attempt / f"{name}.npy", array)
    for name, ids in (("user_ids", base.user_ids), ("item_ids", base.item_ids)):
        with pa.OSFile(str(attempt / f"{name}.arrow"), "wb") as sink:
            table = pa.table({"id": ids})
            with pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
    note = {"format": FORMAT, "settings": settings, "window": base.log.window, "attempt": attempt.name}
    temporary = folder / f".{attempt.name}.json"
    temporary.write_text(json.dumps(note))
    temporary.replace(folder / "base.json")
    for other in folder.iterdir():
        if other.is_dir() and other != attempt:
            shutil.rmtree(other, ignore_errors=True)


def load_base(folder: Path, settings: str) -> Base | None:
    """The base in a folder, memory-mapped; None if there is none, or not one of these settings."""
    try:
        note = json.loads((folder / "base.json").read_text())
        if (note["format"], note["settings"]) != (FORMAT, settings):
            return None
        attempt = folder / note["attempt"]
        array = {name: np.load(attempt / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
        user_ids, item_ids = (
            pa.ipc.open_file(pa.memory_map(str(attempt / f"{name}.arrow"))).read_all()["id"].combine_chunks()
            for name in ("user_ids", "item_ids")
        )
    except (OSError, ValueError, KeyError, pa.ArrowInvalid):
        return None  # absent, half deleted, or replaced meanwhile: an accelerator that is not there
    log = Log(array["offsets"], array["items"], note["window"], array["back"], array["ahead"])
    return Base(user_ids, item_ids, log, array["keys"], array["support"])


def _arrays(base: Base) -> dict[str, np.ndarray]:
    return {name: getattr(base.log if name in Log._fields else base, name) for name in _ARRAYS}
