"""The files behind a path: one file, a folder or a glob, on any fsspec filesystem."""

import difflib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from sidflow.errors import DataContractError
from sidflow.filesystem import open_filesystem

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
        return COMPRESSIONS.get(PurePosixPath(self.url).suffix.lower())


def list_sources(path: str, on_progress: Callable[[int, int], None] | None = None, hashed: bool = True) -> list[Source]:
    """The source files behind a path, sorted by URL.

    Args:
        path: A file, a folder (searched recursively), a glob, or an fsspec URL of these. In folders and globs,
            names that start with `_` or `.` are passed over, and so are files of other formats.
        on_progress: Called with bytes hashed so far and in total.
        hashed: Without, files are not read and `sha256` is empty.

    Raises:
        DataContractError: If nothing is there, nothing in an allowed format, or it cannot be reached or read.
        ConfigError: If the path is empty, or of a protocol that is not known or not installed.
    """
    filesystem, root = open_filesystem(path, path)
    local = "file" in filesystem.protocol
    try:
        base, sizes = _admitted(filesystem, root, path)
    except DataContractError:
        raise
    except Exception as error:  # each filesystem has errors of its own
        raise DataContractError(
            f"{path}: cannot be reached: {type(error).__name__}: {' '.join(str(error).split()) or 'no reason given'}. "
            "Check the address, the network, and the rights or credentials in the environment."
        ) from error
    total, done = sum(sizes.values()), 0
    sources = []
    for key in sorted(sizes):
        digest = hashlib.sha256()
        url = key if local else filesystem.unstrip_protocol(key)
        name = key.removeprefix(base).lstrip("/")
        if not hashed:
            sources.append(Source(url, name, "", sizes[key]))
            continue
        try:
            with filesystem.open(key, "rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    done += len(block)
                    if on_progress:
                        on_progress(done, max(total, done))
        except OSError as error:
            raise unreadable(url, error) from error
        sources.append(Source(url, name, digest.hexdigest(), sizes[key]))
    return sources


def unreadable(url: str, error: OSError) -> DataContractError:
    """What is said of a file that is listed and does not give its content."""
    match error:
        case PermissionError():
            step = "Give this user the right to read it, or run as one who has it."
        case FileNotFoundError():
            step = "It was there a moment ago: run again when nothing moves the files."
        case _:
            step = "Look after the disk or the network, then run again."
    return DataContractError(f"{url}: cannot be read: {error.strerror or error}. {step}")


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
        raise DataContractError(
            f"{path}: no such file or folder; {_neighbours(filesystem, root)}. Check the path in the configuration "
            "(interactions.path, catalogue.path)."
        )
    sizes = {key: entry["size"] or 0 for key, entry in found.items() if _format(key) and not _hidden(key, base)}
    if not sizes:
        seen = ", ".join(sorted(PurePosixPath(key).name for key in found)[:5])
        kind = "is a folder that holds" if filesystem.isdir(root) else "is a glob that matches"
        raise DataContractError(
            f"{path}: {kind} no file to read{f', but {seen}' if seen else ''}; allowed: {ALLOWED}. "
            "Put files there, or change the path."
        )
    return base, sizes


def _neighbours(filesystem: Any, root: str) -> str:
    """What there is near a path that is not there."""
    folder, _, name = root.rpartition("/")
    if "file" in filesystem.protocol and Path(root).is_symlink():
        return f"it is a symbolic link to {Path(root).readlink()}, which is not there"
    if not filesystem.isdir(folder):
        return f"nor is there a folder {folder}"
    names = sorted(PurePosixPath(each).name for each in filesystem.ls(folder, detail=False))
    names = [each for each in names if not each.startswith((".", "_"))]
    if close := difflib.get_close_matches(name, names, n=1, cutoff=0.8):
        return f"close to it is {folder}/{close[0]}"
    return f"the folder {folder} has {', '.join(names[:10]) or 'nothing in it'}"


def _format(key: str) -> Format | None:
    name = PurePosixPath(key)
    if name.suffix.lower() in COMPRESSIONS:
        name = name.with_suffix("")
    return FORMATS.get(name.suffix.lower())


def _hidden(key: str, base: str) -> bool:
    return any(part.startswith(("_", ".")) for part in PurePosixPath(key.removeprefix(base)).parts)
