"""Local files that appear whole, and what is said where they cannot be written."""

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidflow.errors import ArtifactError, SidflowError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_RIGHTS = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_FOLDER = (errno.EEXIST, errno.ENOTDIR)


def temporary_file(target: Path, content: bytes) -> Path:
    """A synced file beside `target` with this content, to be put in its place."""
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    return temporary


def sync_path(path: Path) -> None:
    """Make a file's content, or a folder's new names, last."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def writing(path: Path, below: Path | None = None) -> Iterator[None]:
    """Turn what a full or forbidden disk makes writers raise, Arrow and safetensors too, into an error that says so.

    Args:
        path: What is being written, for the message.
        below: Errors about files that lie elsewhere are not the store's, and pass; None takes all.

    Raises:
        ArtifactError: If there is no room or there are no rights; any other error passes.
    """
    try:
        yield
    except SidflowError:
        raise
    except Exception as error:
        number, name = _errno(error), getattr(error, "filename", None)
        elsewhere = below is not None and name is not None and not Path(str(name)).is_relative_to(below)
        if number in _NO_ROOM:
            raise unwritable(path, number, "Free space, or raise the quota") from error
        if number in _NO_RIGHTS and not elsewhere:
            raise unwritable(path, number, "Give this user the right to write there") from error
        if number in _NO_FOLDER and not elsewhere:
            raise unwritable(path, number, "Move the file that is where a folder should be") from error
        raise


def unwritable(path: Path, number: int, step: str) -> ArtifactError:
    """What a store says that has no room or no rights."""
    return ArtifactError(
        f"{path}: the store cannot be written: {os.strerror(number)}. {step}, or set store.root elsewhere."
    )


def _errno(error: Exception) -> int:
    """The system's error number; safetensors only has it in its text. 0 if there is none."""
    if isinstance(error, OSError) and error.errno:
        return error.errno
    found = re.search(r"os error (\d+)", str(error))
    return int(found[1]) if found else 0
