"""What the readers of all formats give: consecutive rows of a source file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from sidflow.errors import DataContractError
from sidflow.sources.mistaken import listed, suggestion


class BadRow(NamedTuple):
    """A source row that could not be read as a row at all."""

    row: int
    reason: str
    raw: str


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of one source file.

    Attributes:
        rows: (n,) int64, 1-based number of each row among the file's data rows (header and blank lines apart).
        table: n rows. CSV and TSV give strings alone; JSON Lines strings or lists of float32; Parquet its own types.
        bad: Rows met on the way that could not be read.
        delimiter: Of CSV and TSV.
        lines: (n,) string, the raw lines of JSON Lines.
        bytes_read: Bytes of the stored file read up to here, approximately; for a progress bar.
    """

    rows: pa.Array
    table: pa.Table
    bad: tuple[BadRow, ...] = ()
    delimiter: str | None = None
    lines: pa.Array | None = None
    bytes_read: int = 0

    def raw(self, chosen: pa.Array) -> pa.Array:
        """The text of the rows chosen by a boolean mask; of Parquet, their content as JSON."""
        if self.lines is not None:
            return self.lines.filter(chosen)
        table = self.table.filter(chosen).combine_chunks()
        if self.delimiter is not None:
            return pc.binary_join_element_wise(*table.columns, self.delimiter)
        return pa.array([json.dumps(row, default=str, ensure_ascii=False) for row in table.to_pylist()], pa.string())


def require_columns(where: str, names: Sequence[str], required: Sequence[str], doubt: str | None = None) -> None:
    """Refuse a file that lacks a column, or has it twice.

    Args:
        where: The file, for the message.
        names: Its columns.
        required: Columns that must be there once.
        doubt: A sentence on why `names` may not be what was meant; takes the place of the next step.

    Raises:
        DataContractError: Naming the columns that are there, and the closest one.
    """
    for name in required:
        if (count := names.count(name)) == 1:
            continue
        trouble = "missing" if count == 0 else f"there {count} times"
        step = doubt or (
            f"{'' if count else suggestion(name, names)}Set the column mapping in the configuration "
            "(interactions.columns, catalogue.columns), or mend the file."
        )
        raise DataContractError(f"{where}: column '{name}' is {trouble}; the file has {listed(names)}. {step}")
