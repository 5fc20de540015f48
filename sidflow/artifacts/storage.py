"""Files on any fsspec filesystem, written so that no reader ever sees half of one."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from sidflow.artifacts.planning import WouldWrite
from sidflow.artifacts.writing import sync_path, temporary_file
from sidflow.errors import ArtifactError, SidflowError
from sidflow.filesystem import open_filesystem


class FileFacts(NamedTuple):
    """What a filesystem says of a file.

    Attributes:
        bytes: Its size.
        modified: When it was written last, UTC.
        inode: What names of the same content share on a local filesystem; None on others.
    """

    bytes: int
    modified: datetime
    inode: int | None


@dataclass(frozen=True)
class Storage:
    """A folder on a filesystem; all paths are relative to it and use forward slashes.

    With `read_only`, writers raise `WouldWrite` instead.
    """

    root: str
    read_only: bool = False

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        fs, path = open_filesystem(self.root, f"store.root={self.root}")
        return fs, path.rstrip("/")

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
            with self._reached():
                return bytes(fs.cat_file(f"{root}/{path}"))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, path: str, content: bytes) -> None:
        """Write a small file whole, over an older one if there is one."""
        self._refuse_if_read_only(path)
        if (folder := self.local_root) is None:
            fs, root = self._opened
            with self._reached():
                fs.pipe_file(f"{root}/{path}", content)
            return
        temporary = temporary_file(folder / path, content)
        temporary.replace(folder / path)
        sync_path((folder / path).parent)

    def create(self, path: str, content: bytes) -> bool:
        """Write a small file whole unless it exists; of several racing writers one gets True."""
        self._refuse_if_read_only(path)
        if (folder := self.local_root) is None:
            fs, root = self._opened
            try:
                with self._reached():
                    fs.pipe_file(f"{root}/{path}", content, mode="create")
            except FileExistsError:
                return False
            return True
        temporary = temporary_file(folder / path, content)
        try:
            os.link(temporary, folder / path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        sync_path((folder / path).parent)
        return True

    def children(self, path: str) -> list[str]:
        """Names of the files and folders directly below a folder, sorted; empty if there is none."""
        fs, root = self._opened
        try:
            with self._reached():
                found = fs.ls(f"{root}/{path}", detail=False, refresh=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(str(each).rstrip("/").rsplit("/", 1)[-1] for each in found)

    def files(self, path: str) -> "dict[str, FileFacts]":
        """Every file below a folder, by path; temporary ones too. Empty if there is no such folder."""
        fs, root = self._opened
        with self._reached():
            found = fs.find(f"{root}/{path}", detail=True) if fs.exists(f"{root}/{path}") else {}
        return {
            str(each)[len(root) :].lstrip("/"): FileFacts(
                int(facts["size"] or 0), _modified(fs, each, facts), facts.get("ino")
            )
            for each, facts in found.items()
        }

    def delete(self, path: str) -> None:
        """Remove a file; a no-op when it is gone already."""
        fs, root = self._opened
        try:
            with self._reached():
                fs.rm_file(f"{root}/{path}")
        except FileNotFoundError:
            return

    def delete_empty(self, path: str, before: datetime | None = None) -> None:
        """Remove folders that hold no file, here and below; with `before`, only those that have not changed since.

        Object stores have no folders to remove.
        """
        if (root := self.local_root) is None:
            return
        for folder, _, _ in os.walk(root / path, topdown=False):
            with suppress(OSError):  # it holds something, or another process was quicker
                if before is None or Path(folder).stat().st_mtime < before.timestamp():
                    Path(folder).rmdir()

    def put(self, source: Path, path: str) -> None:
        """Copy a local file into the store; a no-op when it is there already."""
        self._refuse_if_read_only(path)
        if (folder := self.local_root) is None:
            fs, root = self._opened
            with self._reached():
                fs.put_file(str(source), f"{root}/{path}")
        elif source != folder / path:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / path)

    def link(self, old: str, new: str) -> None:
        """Give an immutable file a second name: a hard link where the filesystem has them, else a copy."""
        self._refuse_if_read_only(new)
        if (folder := self.local_root) is None:
            fs, root = self._opened
            with self._reached():
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
        with self._reached():
            fs.get_file(f"{root}/{path}", str(temporary))
        temporary.replace(target)

    def _refuse_if_read_only(self, path: str) -> None:
        if self.read_only:
            raise WouldWrite(self.url(path))

    @contextmanager
    def fetched(self, path: str) -> Iterator[Path]:
        """A file as one of this machine: itself, or a download that is removed afterwards."""
        if (folder := self.local_root) is not None:
            yield folder / path
            return
        with tempfile.TemporaryDirectory(prefix="sidflow-") as temporary:
            self.get(path, Path(temporary) / "file")
            yield Path(temporary) / "file"

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Turn what an object store's client raises into an error that names the setting; absence passes."""
        try:
            yield
        except (SidflowError, FileNotFoundError, FileExistsError, NotADirectoryError):
            raise
        except Exception as error:  # each client has errors of its own
            raise ArtifactError(
                f"{self.root}: the store cannot be reached: {type(error).__name__}: {' '.join(str(error).split())}. "
                "Check store.root, the network, and the rights or credentials in the environment."
            ) from error


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _modified(fs: Any, path: str, facts: dict[str, Any]) -> datetime:
    """Filesystems call it by different names, or have to be asked."""
    for name in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = facts.get(name)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
    asked: datetime = fs.modified(path)
    return asked if asked.tzinfo else asked.replace(tzinfo=UTC)
