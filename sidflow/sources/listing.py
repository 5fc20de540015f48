"""The files behind a path: one file, a folder or a glob, on any fsspec filesystem."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

import fsspec

from sidflow.errors import DataContractError

Format = Literal["parquet", "csv", "tsv", "jsonl"]

FORMATS: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
ALLOWED = "Parquet (.parquet), CSV (.csv), TSV (.tsv) or JSON Lines (.jsonl, .json), each also .gz or .zst"
_WILDCARDS = "*?["
_BLOCK = 1 << 22


@dataclass(frozen=True)
class Source:
    """One source file.

    Attributes:
        url: Where it is: a local path, or an fsspec URL.
        name: Its path below the folder or glob it was listed from; the same wherever that folder lies.
        sha256: Hex digest of its bytes as stored (compressed).
        bytes: Its size as stored.
    """

    url: str
    name: str
    sha256: str
    bytes: int

    @property
    def format(self) -> Format:
        """What the file's name says it is."""
        found = _format(self.url)
        assert found is not None  # list_sources admits no other
        return found

    @property
    def compression(self) -> str | None:
        """Arrow's name of the compression around the file, if any."""
        return COMPRESSIONS.get(PurePosixPath(self.url).suffix)


def list_sources(path: str, on_progress: Callable[[int, int], None] | None = None) -> list[Source]:
    """The source files behind a path, sorted by URL.

    Args:
        path: A file, a folder (searched recursively), a glob, or an fsspec URL of these. In folders and globs,
            names that start with `_` or `.` are passed over, and so are files of other formats.
        on_progress: Called with bytes hashed so far and in total.

    Raises:
        DataContractError: If nothing is there, or nothing in an allowed format.
    """
    filesystem, root = fsspec.core.url_to_fs(path)
    base, sizes = _admitted(filesystem, root, path)
    local = "file" in filesystem.protocol
    total, done = sum(sizes.values()), 0
    sources = []
    for key in sorted(sizes):
        digest = hashlib.sha256()
        with filesystem.open(key, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                done += len(block)
                if on_progress:
                    on_progress(done, max(total, done))
        url = key if local else filesystem.unstrip_protocol(key)
        sources.append(Source(url, key.removeprefix(base).lstrip("/"), digest.hexdigest(), sizes[key]))
    return sources


def _admitted(filesystem: Any, root: str, path: str) -> tuple[str, dict[str, int]]:
    """The folder above all files to read, and the size of each of them by key on its filesystem."""
    if filesystem.isfile(root):
        if _format(root) is None:
            raise DataContractError(f"{path}: unknown format; allowed: {ALLOWED}. Rename or convert the file.")
        return root.rpartition("/")[0], {root: filesystem.info(root)["size"] or 0}
    if filesystem.isdir(root):
        base, found = root, filesystem.find(root, detail=True)
    elif any(mark in root for mark in _WILDCARDS):
        base = root[: min(root.index(mark) for mark in _WILDCARDS if mark in root)].rpartition("/")[0]
        found = {key: entry for key, entry in filesystem.glob(root, detail=True).items() if entry["type"] == "file"}
    else:
        raise DataContractError(f"{path}: no such file or folder. Check the path in the configuration.")
    sizes = {key: entry["size"] or 0 for key, entry in found.items() if _format(key) and not _hidden(key, base)}
    if not sizes:
        seen = ", ".join(sorted(PurePosixPath(key).name for key in found)[:5]) or "nothing"
        raise DataContractError(f"{path}: holds no file to read, but {seen}; allowed: {ALLOWED}.")
    return base, sizes


def _format(key: str) -> Format | None:
    name = PurePosixPath(key)
    if name.suffix in COMPRESSIONS:
        name = name.with_suffix("")
    return FORMATS.get(name.suffix.lower())


def _hidden(key: str, base: str) -> bool:
    return any(part.startswith(("_", ".")) for part in PurePosixPath(key.removeprefix(base)).parts)
