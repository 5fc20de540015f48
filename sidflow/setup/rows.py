"""The first rows of every file behind a path, as the readers give them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from sidflow.sources import Batch, Source, list_sources, read_batches

_BATCH_ROWS = 10_000
_LEAST_ROWS = 1_000


@dataclass
class FileSample:
    """The first rows of one file; `rows` and `complete` are true once `batches` are read.

    Attributes:
        source: The file, its content not hashed.
        wanted: About so many rows.
        required: Columns that must be there.
        only_required: Read no others, where that saves work.
        rows: Rows read so far, unreadable ones among them.
        complete: Whether these are all.
    """

    source: Source
    wanted: int
    required: Sequence[str]
    only_required: bool
    rows: int = 0
    complete: bool = False

    @property
    def batches(self) -> Iterator[Batch]:
        """The rows, in batches.

        Raises:
            DataContractError: As `read_batches`.
        """
        size = min(_BATCH_ROWS, self.wanted)
        with closing(read_batches(self.source, size, self.required, self.only_required)) as batches:
            for batch in batches:
                if self.rows >= self.wanted and (batch.table.num_rows or batch.bad):
                    return
                self.rows += batch.table.num_rows + len(batch.bad)
                yield batch
        self.complete = True


def read_files(path: str, rows: int, required: Sequence[str], only_required: bool) -> Iterator[FileSample]:
    """Every file behind a path, about `rows` rows of all together but at least 1,000 of each.

    Raises:
        DataContractError: If nothing is there.
    """
    sources = list_sources(path, hashed=False)
    share = max(-(-rows // len(sources)), min(rows, _LEAST_ROWS))
    for source in sources:
        yield FileSample(source, share, required, only_required)
