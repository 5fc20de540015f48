"""Tie-breaking columns: read as text, kept as the narrowest type that holds the whole file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sidflow.sources import as_numbers

_INTEGER = r"^-?\d{1,18}$"


class OrderTypes:
    """The type of each order column, narrowed down batch by batch: integers, else numbers, else text.

    Blank values say nothing about the type.
    """

    def __init__(self, count: int) -> None:
        self.types: list[pa.DataType] = [pa.int64()] * count

    def see(self, rows: pa.Table) -> None:
        """Take a batch with columns order_0 ... as text into account."""
        for k, known in enumerate(self.types):
            self.types[k] = _narrowest(rows[f"order_{k}"], known)

    @property
    def names(self) -> list[str]:
        """The types by name."""
        return [str(each) for each in self.types]


def rewrite_order_columns(source: Path, target: Path, types: list[pa.DataType]) -> None:
    """Move a rows file to `target`, its text columns order_0 ... cast to their types; blank values become null."""
    if not types:
        source.replace(target)
        return
    with pq.ParquetFile(source) as file:
        schema = file.schema_arrow
        for k, kind in enumerate(types):
            position = schema.get_field_index(f"order_{k}")
            schema = schema.set(position, pa.field(f"order_{k}", kind))
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for group in file.iter_batches():
                table = pa.Table.from_batches([group])
                for k, kind in enumerate(types):
                    position = schema.get_field_index(f"order_{k}")
                    table = table.set_column(position, schema.field(position), _typed(table[f"order_{k}"], kind))
                writer.write_table(table)
    source.unlink()


def _narrowest(column: pa.ChunkedArray, known: pa.DataType) -> pa.DataType:
    values = pc.utf8_trim_whitespace(column)
    values = values.filter(pc.not_equal(values, ""))
    if pa.types.is_int64(known):
        if pc.all(pc.match_substring_regex(values, _INTEGER), min_count=0).as_py():
            return known
        known = pa.float64()
    if pa.types.is_float64(known) and as_numbers(values).null_count == 0:
        return known
    return pa.string()


def _typed(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    values = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(values, ""), None, values).cast(kind)
