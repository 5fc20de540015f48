"""Finding the first line that is not UTF-8."""

import io

from sidflow.errors import DataContractError
from sidflow.sources.listing import Source
from sidflow.sources.streams import open_stream


def refuse_other_encodings(source: Source) -> None:
    """Raise if the file is not UTF-8, naming the first line that is not; reads the file up to there.

    Raises:
        DataContractError: If a line is not UTF-8.
    """
    with open_stream(source) as (stream, _):
        for number, line in enumerate(io.BufferedReader(stream), start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                raise not_utf8(source, number, line, error) from error


def not_utf8(source: Source, number: int, line: bytes, error: UnicodeDecodeError) -> DataContractError:
    """The error for a line that is not UTF-8."""
    shown = line[max(error.start - 20, 0) : error.end + 20]
    return DataContractError(
        f"{source.url}: line {number} is not UTF-8: {shown!r}; allowed is UTF-8. "
        "Convert the file, for example: iconv -f LATIN1 -t UTF-8."
    )
