"""Parquet: a batch of rows at a time, with the file's own types."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from sidflow.sources.batch import Batch, require_columns
from sidflow.sources.listing import Source
from sidflow.sources.streams import open_random


def read_parquet(source: Source, batch_rows: int, required: Sequence[str], only_required: bool) -> Iterator[Batch]:
    """Stream the rows of a Parquet file."""
    with open_random(source) as opened, pyarrow.parquet.ParquetFile(opened) as file:
        require_columns(source.url, file.schema_arrow.names, required)
        columns = list(dict.fromkeys(required)) if only_required else None
        following = 1
        for block in file.iter_batches(batch_rows, columns=columns):
            rows = np.arange(following, following + block.num_rows, dtype=np.int64)
            following += block.num_rows
            done = source.bytes * (following - 1) // file.metadata.num_rows
            yield Batch(pa.array(rows), pa.Table.from_batches([block]), bytes_read=done)
