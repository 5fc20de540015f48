"""A folder that is seen whole or not at all: made beside its place and moved there at the end."""

import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from sidflow.artifacts.writing import sync_path
from sidflow.errors import ConfigError


@contextmanager
def whole_folder(out: str, names: Collection[str], force: bool = False) -> Iterator[Path]:
    """A fresh folder to fill; when the block ends without an error it becomes `out`.

    Killed at any instruction, it leaves at most a hidden sibling `.<name>.<random>`; `out` is then what it was, or (in
    the instant between two renames when `force` replaces it) gone with its old content in such a sibling.

    Args:
        out: A local folder that does not exist yet or is empty; its parents are made.
        names: Files that the block may write.
        force: Replace a folder that holds some of these files and nothing else, so that a mistyped one loses nothing.

    Raises:
        ConfigError: If `out` is a URL, a file, the current folder, a folder with content that may not be replaced, or
            cannot be written.
    """
    target = _free_target(out, names, force)
    beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        beside.mkdir(parents=True)
        yield beside
        _replace(beside, target)
    except OSError as error:
        raise ConfigError(
            f"--out {out}: cannot be written: {error.strerror or error}. Free space or rights, or give another folder."
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _free_target(out: str, names: Collection[str], force: bool) -> Path:
    if "://" in out:
        raise ConfigError(f"--out {out}: is a URL; allowed is a local folder. Write there, then copy it.")
    target = Path(out).resolve()
    if target.exists() and not target.is_dir():
        raise ConfigError(f"--out {out}: is a file; allowed is a folder. Give another name.")
    if Path.cwd().is_relative_to(target):
        raise ConfigError(f"--out {out}: holds the current folder; allowed is a new or an empty one. Give another.")
    content = sorted(each.name for each in target.iterdir()) if target.is_dir() else []
    if content and not force:
        raise ConfigError(f"--out {out}: the folder has content; allowed is a new or an empty one. Or add --force.")
    if foreign := [name for name in content if name not in names]:
        more = f" and {len(foreign) - 1:,} more" if len(foreign) > 1 else ""
        raise ConfigError(
            f"--out {out}: has what no such export wrote ('{foreign[0]}'{more}); --force replaces an older export and "
            "nothing else. Give another folder."
        )
    return target


def _replace(made: Path, target: Path) -> None:
    """Move a folder over another one; the older content goes last."""
    for path in made.rglob("*"):
        sync_path(path)
    if not target.exists():
        made.rename(target)
        return
    old = made.with_name(f"{made.name}.old")
    target.rename(old)
    try:
        made.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old)
