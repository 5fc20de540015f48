"""`sidflow validate`: a sample of the inputs through the very code that will read them."""

from collections.abc import Callable
from functools import partial

import pyarrow as pa

from sidflow.catalogue.items import join_items
from sidflow.catalogue.rows import clean_items
from sidflow.config import CatalogueConfig, Config, InteractionsConfig
from sidflow.interactions.clean import clean_batch, mapped_columns
from sidflow.setup.checks import check
from sidflow.setup.looked import InputLook, Looks
from sidflow.setup.rows import FileSample, read_files
from sidflow.sources import TimestampUnit, detect_unit


def look_at_inputs(config: Config, sample_rows: int, shown: int) -> Looks:
    """Read the beginning of every input file, clean it, and collect all that is wrong.

    Args:
        config: The configuration.
        sample_rows: About so many rows of each input.
        shown: Items whose embedding text is made.
    """
    looks = Looks(
        InputLook(config.interactions.path, config.interactions.gate.max_reject_share),
        InputLook(config.catalogue.path, config.catalogue.gate.max_reject_share),
    )
    looks.collect(partial(_read_log, looks, config.interactions, sample_rows))
    looks.collect(partial(_read_items, looks, config.catalogue, sample_rows))
    check(looks, config, shown)
    return looks


def _read_log(looks: Looks, config: InteractionsConfig, sample_rows: int) -> None:
    look, tables, rejects = looks.interactions, list[pa.Table](), list[pa.Table]()

    def read(sample: FileSample) -> None:
        unit: TimestampUnit | None = None if config.timestamp_unit == "auto" else config.timestamp_unit
        for batch in sample.batches:
            unit = unit or detect_unit(batch.table[config.columns.timestamp])
            cleaned = clean_batch(batch, sample.source, config, unit or "s")
            tables.append(cleaned.rows)
            rejects.append(cleaned.rejects)
            for rule, count in cleaned.not_kept.items():
                look.not_kept[rule] = look.not_kept.get(rule, 0) + count

    _read(looks, look, sample_rows, mapped_columns(config.columns), read)
    look.cleaned = pa.concat_tables(tables, promote_options="default") if tables else look.cleaned
    look.rejects = pa.concat_tables([look.rejects, *rejects])


def _read_items(looks: Looks, config: CatalogueConfig, sample_rows: int) -> None:
    look, tables, rejects = looks.catalogue, list[pa.Table](), list[pa.Table]()
    columns = config.columns
    mapped = [columns.item, columns.title, columns.available_from, columns.available]

    def read(sample: FileSample) -> None:
        unit: TimestampUnit | None = None
        for batch in sample.batches:
            if columns.available_from is not None:
                unit = unit or detect_unit(batch.table[columns.available_from])
            seen = pa.chunked_array([chunk for table in tables for chunk in table["item_id"].chunks], pa.string())
            rows = clean_items(batch, sample.source, columns, unit, seen)
            tables.append(rows.items)
            rejects.append(rows.rejects)

    _read(looks, look, sample_rows, list(dict.fromkeys(name for name in mapped if name is not None)), read)
    look.rejects = pa.concat_tables([look.rejects, *rejects])
    if tables:
        look.cleaned = join_items(tables, config.path)


def _read(
    looks: Looks, look: InputLook, sample_rows: int, required: list[str], read: Callable[[FileSample], None]
) -> None:
    """Give every file to `read`; one that cannot be read is a problem and does not keep the others from it."""
    complete = True
    for sample in read_files(look.path, sample_rows, required, only_required=look is looks.interactions):
        look.files += 1
        sound = looks.collect(partial(read, sample))
        look.source_rows += sample.rows
        complete = complete and sample.complete and sound
    look.complete = complete
