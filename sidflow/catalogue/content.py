"""The digest of a table's content: the same rows give the same digest, however files and chunks hold them."""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def content_digest(table: pa.Table) -> str:
    """sha256 (hex) over names, types and values, column by column, in the order of rows and columns.

    Args:
        table: Columns of strings, booleans, timestamps or lists of floats; what lies under a null does not count.
    """
    digest = hashlib.sha256()
    for field in table.schema:
        column = table[field.name].combine_chunks()
        digest.update(f"{field.name}\0{field.type}\0{len(column)}\0".encode())
        digest.update(_bytes(column.is_valid()))
        digest.update(_values(column))
    return digest.hexdigest()


def _values(column: Any) -> bytes:
    if pa.types.is_string(column.type):
        return _bytes(pc.binary_length(column.drop_null())) + _text(column.drop_null().cast(pa.large_string()))
    if pa.types.is_list(column.type):
        return _bytes(pc.list_value_length(column.drop_null())) + _bytes(pc.list_flatten(column))
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return _bytes(column.drop_null())


def _text(column: pa.LargeStringArray) -> bytes:
    """All texts one after another; a slice's buffers hold more than the slice."""
    _, offsets, content = column.buffers()
    if content is None or not len(column):
        return b""
    ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    return bytes(memoryview(content)[ends[0] : ends[-1]])


def _bytes(values: Any) -> bytes:
    return np.ascontiguousarray(values.to_numpy(zero_copy_only=False)).tobytes()
