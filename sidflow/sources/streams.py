"""Opening a source file as bytes, decompressed."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import fsspec
import pyarrow as pa

from sidflow.sources.listing import Source

_BLOCK = 1 << 22


class CountedFile:
    """A file that counts the bytes read from it, as stored."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.bytes_read = 0

    def read(self, size: int = -1) -> bytes:
        """Read as from a file."""
        block = self.file.read(size)
        self.bytes_read += len(block)
        return block

    def tell(self) -> int:
        """Position as of a file."""
        return self.file.tell()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self.file.closed


@contextmanager
def open_stream(source: Source) -> Iterator[tuple[Any, CountedFile]]:
    """The content as a sequential Arrow stream, decompressed if the file's name says so, and the stored file below."""
    with fsspec.open(source.url, "rb") as file:
        counted = CountedFile(file)
        with pa.PythonFile(counted, mode="r") as raw:
            if source.compression is None:
                yield raw, counted
                return
            with pa.CompressedInputStream(raw, source.compression) as stream:
                yield stream, counted


@contextmanager
def open_random(source: Source) -> Iterator[Any]:
    """The file's content with random access; a compressed file is unpacked into a temporary one first."""
    if source.compression is None:
        with fsspec.open(source.url, "rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as unpacked, open_stream(source) as (stream, _):
        _copy(stream, unpacked)
        yield unpacked


def _copy(stream: Any, target: IO[bytes]) -> None:
    while block := stream.read(_BLOCK):
        target.write(block)
    target.seek(0)
