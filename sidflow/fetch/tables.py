"""The two tables of a data set: their size, and as CSV files that appear whole."""

import csv
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TextIO

import pyarrow as pa

from sidflow.errors import DataContractError

_ROWS: Final = 1 << 16  # at once, on the way into a file


class RawTables(NamedTuple):
    """What a data set's files hold, columns as in the CSV files to be written; user_id and item_id are text."""

    interactions: pa.Table
    items: pa.Table


class Counts(NamedTuple):
    """The size of a data set: interactions, their distinct users and items, and the items of its catalogue."""

    interactions: int
    users: int
    rated: int
    items: int


def check_counts(tables: RawTables, expected: Counts) -> None:
    """Hold what was read to a published size.

    Raises:
        DataContractError: If it has another.
    """
    users, rated = (len(tables.interactions[name].unique()) for name in ("user_id", "item_id"))
    found = Counts(tables.interactions.num_rows, users, rated, tables.items.num_rows)
    if found != expected:
        raise DataContractError(
            f"holds {found.interactions:,} interactions of {found.users:,} users with {found.rated:,} of "
            f"{found.items:,} items; allowed are {expected.interactions:,} of {expected.users:,} with "
            f"{expected.rated:,} of {expected.items:,}"
        )


def write_csv(path: Path, table: pa.Table) -> None:
    """A table with a header line; text is quoted only where it must be, null is blank."""
    with replaced(path) as file:
        writer = csv.writer(file, lineterminator="\n")  # Arrow's would quote every text
        writer.writerow(table.column_names)
        for batch in table.to_batches(max_chunksize=_ROWS):
            writer.writerows(zip(*batch.to_pydict().values(), strict=True))


@contextmanager
def replaced(path: Path) -> Iterator[TextIO]:
    """A file to write that takes its place only when it is whole and on the disk."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
