"""Putting a data set in its folder: once, whole, with a note of where it came from."""

import csv
import hashlib
import io
import json
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from sidflow.errors import DataContractError

_LOG = logging.getLogger(__name__)
_NOTE = "origin.json"

OnProgress = Callable[[int, int], None]


class RawTables(NamedTuple):
    """What an origin gives, columns as in the files to be written; user_id and item_id are text."""

    interactions: pa.Table
    items: pa.Table


class Origin(NamedTuple):
    """A place to get a data set from: its name for people, and how."""

    name: str
    obtain: Callable[[OnProgress | None], RawTables]


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


def place(
    name: str,
    folder: Path,
    origins: Sequence[Origin],
    counts: tuple[int, int, int],
    on_progress: OnProgress | None = None,
) -> Fetched:
    """Have `folder/<name>/` hold the data set; nothing is downloaded if it is there and whole.

    Args:
        name: Of the data set.
        folder: Above it.
        origins: Tried in order.
        counts: Interactions, users and items that the data set has.
        on_progress: Called with bytes downloaded and in total (0: not known).

    Raises:
        DataContractError: If no origin gives it.
    """
    target = folder / name
    if (origin := _present(target)) is not None:
        return Fetched(target, origin, downloaded=False)
    failures = []
    for each in origins:
        try:
            tables = each.obtain(on_progress)
            _check(tables, counts)
        except (OSError, DataContractError) as error:
            failures.append(f"{each.name}: {error}")
            _LOG.info("%s: not from %s: %s", name, each.name, error)
            continue
        _write(target, tables, each.name)
        return Fetched(target, each.name, downloaded=True)
    raise DataContractError(
        f"fetch {name}: no origin gave it: {'; '.join(failures)}. "
        f"Check the network, or put interactions.csv and items.csv into {target} yourself (data/README.md)."
    )


def _present(target: Path) -> str | None:
    """The origin of a whole data set in the folder, else None."""
    try:
        note = json.loads((target / _NOTE).read_text(encoding="utf-8"))
        whole = all(_digest(target / name) == digest for name, digest in note["sha256"].items())
        return str(note["origin"]) if whole else None
    except (OSError, ValueError, KeyError):
        return None


def _check(tables: RawTables, expected: tuple[int, int, int]) -> None:
    rows, users = tables.interactions.num_rows, len(tables.interactions["user_id"].unique())
    if (rows, users, tables.items.num_rows) != expected:
        raise DataContractError(
            f"holds {rows:,} interactions of {users:,} users and {tables.items.num_rows:,} items; "
            f"allowed are {expected[0]:,}, {expected[1]:,} and {expected[2]:,}"
        )


def _write(target: Path, tables: RawTables, origin: str) -> None:
    """Each file appears whole; the note comes last, so that without it nothing counts."""
    target.mkdir(parents=True, exist_ok=True)
    digests = {}
    for name, table in (("interactions.csv", tables.interactions), ("items.csv", tables.items)):
        sink = io.StringIO()
        writer = csv.writer(sink, lineterminator="\n")  # Arrow's would quote every text
        writer.writerow(table.column_names)
        writer.writerows(zip(*table.to_pydict().values(), strict=True))
        _replace(target / name, sink.getvalue().encode())
        digests[name] = _digest(target / name)
    note = {"origin": origin, "sha256": digests}
    _replace(target / _NOTE, json.dumps(note, indent=1).encode())


def _replace(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
