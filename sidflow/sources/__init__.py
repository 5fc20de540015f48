"""Reading tables from files that others wrote: Parquet, CSV, TSV and JSON Lines on any fsspec filesystem."""

from sidflow.sources.batch import BadRow, Batch
from sidflow.sources.batches import read_batches
from sidflow.sources.listing import Source, list_sources
from sidflow.sources.rejects import REJECTS_SCHEMA, count_reasons, counted, reject_rows, same_text
from sidflow.sources.text import as_ids, as_numbers, as_text, is_blank, is_vector
from sidflow.sources.timestamps import TimestampUnit, detect_unit, parse_timestamps

__all__ = [
    "REJECTS_SCHEMA",
    "BadRow",
    "Batch",
    "Source",
    "TimestampUnit",
    "as_ids",
    "as_numbers",
    "as_text",
    "count_reasons",
    "counted",
    "detect_unit",
    "is_blank",
    "is_vector",
    "list_sources",
    "parse_timestamps",
    "read_batches",
    "reject_rows",
    "same_text",
]
