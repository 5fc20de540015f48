"""Files on any fsspec filesystem, written so that no reader ever sees half of one."""

import os
import shutil
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec

from sidflow.errors import ArtifactError


@dataclass(frozen=True)
class Storage:
    """A folder on a filesystem; all paths are relative to it and use forward slashes."""

    root: str

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        fs, path = fsspec.core.url_to_fs(self.root)
        return fs, str(path).rstrip("/")

    @property
    def local_root(self) -> Path | None:
        """The folder on this machine, or None for an object store."""
        fs, path = self._opened
        return Path(path) if "file" in _protocols(fs) else None

    def url(self, path: str) -> str:
        """Absolute local path, or full URL, of a file or folder."""
        fs, root = self._opened
        full = f"{root}/{path}"
        return full if self.local_root is not None else str(fs.unstrip_protocol(full))

    def read(self, path: str) -> bytes | None:
        """A file's content, or None if there is no such file."""
        fs, root = self._opened
        try:
            return bytes(fs.cat_file(f"{root}/{path}"))
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Write a small file whole, over an older one if there is one."""
        if (folder := self.local_root) is None:
            fs, root = self._opened
            fs.pipe_file(f"{root}/{path}", content)
            return
        temporary = _temporary(folder / path, content)
        temporary.replace(folder / path)
        _sync_folder((folder / path).parent)

    def create(self, path: str, content: bytes) -> bool:
        """Write a small file whole unless it exists; of several racing writers one gets True."""
        if (folder := self.local_root) is None:
            fs, root = self._opened
            try:
                fs.pipe_file(f"{root}/{path}", content, mode="create")
            except FileExistsError:
                return False
            return True
        temporary = _temporary(folder / path, content)
        try:
            os.link(temporary, folder / path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        _sync_folder((folder / path).parent)
        return True

    def children(self, path: str) -> list[str]:
        """Names of the files and folders directly below a folder, sorted; empty if there is none."""
        fs, root = self._opened
        try:
            found = fs.ls(f"{root}/{path}", detail=False, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(str(each).rstrip("/").rsplit("/", 1)[-1] for each in found)

    def put(self, source: Path, path: str) -> None:
        """Copy a local file into the store; a no-op when it is there already."""
        if (folder := self.local_root) is None:
            fs, root = self._opened
            fs.put_file(str(source), f"{root}/{path}")
        elif source != folder / path:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / path)

    def link(self, old: str, new: str) -> None:
        """Give an immutable file a second name: a hard link where the filesystem has them, else a copy."""
        if (folder := self.local_root) is None:
            fs, root = self._opened
            fs.copy(f"{root}/{old}", f"{root}/{new}")
            return
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(folder / old, folder / new)
        except FileExistsError:
            return
        except OSError:
            shutil.copyfile(folder / old, folder / new)

    def get(self, path: str, target: Path) -> None:
        """Download a file, whole or not at all."""
        fs, root = self._opened
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        fs.get_file(f"{root}/{path}", str(temporary))
        temporary.replace(target)


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _temporary(target: Path, content: bytes) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(target, error) from error
    return temporary


def unwritable(path: Path, error: OSError) -> ArtifactError:
    """What a store says that has no room or no rights."""
    return ArtifactError(
        f"{path}: the store cannot be written: {error.strerror}. Free space or rights, or set store.root elsewhere."
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
