"""Putting a data set in its folder: once, whole, with a note of where it came from."""

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from sidflow.errors import DataContractError, NotObtained
from sidflow.fetch.obtain import Obtained, PublishedFile, digest, obtain
from sidflow.fetch.tables import Counts, RawTables, check_counts, replaced, write_csv
from sidflow.fetch.transfer import PATIENT, Patience

_LOG = logging.getLogger(__name__)
_NOTE: Final = "origin.json"
_DOWNLOADS: Final = "download"
_FILES: Final = ("interactions.csv", "items.csv")

OnFileProgress = Callable[[str, int, int], None]


class Spare(NamedTuple):
    """Another place that has a data set in a form of its own: its name for people, and how to get it."""

    name: str
    obtain: Callable[[], RawTables]


@dataclass(frozen=True)
class DataSet:
    """A public data set.

    Attributes:
        name: Of the set, and of its folder.
        files: What its publisher offers.
        read: Reads these files, in this order.
        counts: Its published size, which what was read must have.
        spare: Asked if the publisher cannot be reached.
    """

    name: str
    files: tuple[PublishedFile, ...]
    read: Callable[..., RawTables]
    counts: Counts
    spare: Spare | None = None


class Fetched(NamedTuple):
    """A data set in its folder.

    Attributes:
        folder: With `interactions.csv` and `items.csv`.
        origin: Where it came from.
        downloaded: False if it was there already.
    """

    folder: Path
    origin: str
    downloaded: bool


class _Note(NamedTuple):
    origin: str
    files: dict[str, dict[str, object]]


def place(
    data_set: DataSet,
    folder: Path,
    source: str | None = None,
    on_progress: OnFileProgress | None = None,
    patience: Patience = PATIENT,
) -> Fetched:
    """Have `folder/<name>/` hold a data set; nothing is asked for if it is there and whole.

    Args:
        data_set: Which.
        folder: Above its own.
        source: A folder or file of this disk, or an http(s) mirror, to take the published files from in place of
            their publisher.
        on_progress: Called with a file's name, its bytes held and in total (0: not known).
        patience: How long to wait for hosts.

    Raises:
        DataContractError: If no place gives it, it is not the published set, or it cannot be written.
    """
    target = folder / data_set.name
    if (origin := _present(target)) is not None:
        return Fetched(target, origin, downloaded=False)
    try:
        target.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            tables, note = _obtain(data_set, target / _DOWNLOADS, source, on_progress, patience)
            _write(target, tables, note)
            shutil.rmtree(target / _DOWNLOADS, ignore_errors=True)
    except OSError as error:
        raise DataContractError(
            f"fetch {data_set.name}: cannot write to {target}: {error.strerror or error}. "
            f"Make room or choose another --folder, then run the same command again."
        ) from error
    return Fetched(target, note.origin, downloaded=True)


def _present(target: Path) -> str | None:
    """The origin of a whole data set in the folder, else None."""
    try:
        note = json.loads((target / _NOTE).read_text(encoding="utf-8"))
        whole = all(digest(target / name) == found for name, found in note["sha256"].items())
        return str(note["origin"]) if whole else None
    except (OSError, ValueError, KeyError):
        return None


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Two runs at once would write the same partial file; the lock goes with the process. Leaves no empty folder."""
    descriptor = os.open(target, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems know no locks
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataContractError(
                    f"{target}: another sidflow fetch is writing here; wait for it, or choose another --folder."
                ) from None
        try:
            yield
        finally:
            for empty in (target / _DOWNLOADS, target):
                with suppress(OSError):  # most are not
                    empty.rmdir()
    finally:
        os.close(descriptor)


def _obtain(
    data_set: DataSet, downloads: Path, source: str | None, on_progress: OnFileProgress | None, patience: Patience
) -> tuple[RawTables, _Note]:
    try:
        return _published(data_set, downloads, source, on_progress, patience)
    except NotObtained as error:
        failures = [str(error)]
    if data_set.spare is not None and source is None:
        _LOG.info("%s; asking %s", failures[0], data_set.spare.name)
        try:
            tables = data_set.spare.obtain()
            check_counts(tables, data_set.counts)
            return tables, _Note(data_set.spare.name, {})
        except DataContractError as error:
            failures.append(f"{data_set.spare.name}: {error}")
    names = " and ".join(file.name for file in data_set.files)
    raise DataContractError(
        f"fetch {data_set.name}: no place gave it: {'; '.join(failures)}. Run the same command again, which goes on "
        f"from what was downloaded; or name a mirror with --from URL; or get {names} in another way and name the "
        f"folder with --from FOLDER."
    )


def _published(
    data_set: DataSet, downloads: Path, source: str | None, on_progress: OnFileProgress | None, patience: Patience
) -> tuple[RawTables, _Note]:
    """What the published files hold; downloads that turn out not to be the set are removed."""
    files = [
        obtain(file, downloads, source, on_progress and partial(on_progress, file.name), patience)
        for file in data_set.files
    ]
    _LOG.info("%s: reading %s", data_set.name, " and ".join(each.path.name for each in files))
    origin = ", ".join(each.url for each in files)
    try:
        tables = data_set.read(*(each.path for each in files))
        check_counts(tables, data_set.counts)
    except DataContractError as error:
        if any(each.mine for each in files):
            shutil.rmtree(downloads)
        raise NotObtained(f"{origin}: {error}") from error
    return tables, _Note(origin, {each.path.name: _described(each) for each in files})


def _described(file: Obtained) -> dict[str, object]:
    return {"url": file.url, "bytes": file.path.stat().st_size, "sha256": digest(file.path)}


def _write(target: Path, tables: RawTables, note: _Note) -> None:
    """The note comes last: without it nothing counts."""
    for name, table in zip(_FILES, tables, strict=True):
        write_csv(target / name, table)
    digests = {name: digest(target / name) for name in _FILES}
    with replaced(target / _NOTE) as file:
        json.dump({**note._asdict(), "sha256": digests}, file, indent=1)
