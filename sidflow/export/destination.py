"""Where an export goes: any fsspec URL, whole or not at all."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sidflow.artifacts.writing import sync_path
from sidflow.errors import ConfigError
from sidflow.filesystem import open_filesystem

Format = Literal["parquet", "csv", "jsonl"]
FORMATS: dict[str, tuple[Format, bool]] = {
    ".parquet": ("parquet", False),
    ".csv": ("csv", False),
    ".csv.gz": ("csv", True),
    ".jsonl": ("jsonl", False),
    ".jsonl.gz": ("jsonl", True),
}
"""Format and whether it is gzipped, by the end of a file's name."""


@dataclass(frozen=True)
class Destination:
    """A file to be: its address, its format and whether it is gzipped."""

    url: str
    format: Format
    gzipped: bool

    @classmethod
    def parse(cls, url: str, force: bool = False) -> "Destination":
        """The destination that a path or URL names, checked before any work is done.

        Args:
            url: Local path or fsspec URL; its suffix says the format.
            force: Let it replace a file.

        Raises:
            ConfigError: If the suffix is of no known format, the address cannot be used, or a file is there.
        """
        name = url.rsplit("/", 1)[-1].lower()
        suffix = next((each for each in sorted(FORMATS, key=len, reverse=True) if name.endswith(each)), None)
        if suffix is None or name == suffix:
            raise ConfigError(
                f"--out {url}: the name's ending says the format; allowed: a name with {', '.join(FORMATS)}."
            )
        place = cls(url, *FORMATS[suffix])
        if place.exists() and not force:
            raise ConfigError(f"--out {url}: is there already; give another name, or --force to replace it.")
        return place

    def exists(self) -> bool:
        """Whether something is there.

        Raises:
            ConfigError: If the address cannot be used.
        """
        fs, path = self._opened()
        with self._explained():
            return bool(fs.exists(path))

    @property
    def location(self) -> str:
        """The absolute local path, or the URL."""
        fs, path = self._opened()
        return path if _is_local(fs) else str(fs.unstrip_protocol(path))

    def beside(self, ending: str) -> "Destination":
        """The file whose name is this one's and an ending; of the same format."""
        return Destination(self.url + ending, self.format, self.gzipped)

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """A temporary local file, which takes the final name when the block ends well and vanishes when it does not.

        Locally it lies in the same folder and is synced before it is renamed; elsewhere it is uploaded at the end, in
        one piece. A process that is killed leaves a hidden `.<name>.<random>`, which nobody reads.

        Raises:
            ConfigError: If there is no right or room to write.
        """
        fs, path = self._opened()
        final = Path(path) if _is_local(fs) else None
        with self._explained():
            folder = final.parent if final is not None else Path(tempfile.gettempdir())
            folder.mkdir(parents=True, exist_ok=True)
            temporary = folder / f".{Path(path).name}.{uuid.uuid4().hex}"
            try:
                yield temporary
                if final is not None:
                    sync_path(temporary)
                    temporary.replace(final)
                    sync_path(folder)
                else:
                    fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
                    fs.put_file(str(temporary), path)
            finally:
                temporary.unlink(missing_ok=True)

    def _opened(self) -> tuple[Any, str]:
        return open_filesystem(self.url, f"--out {self.url}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigError(
                f"--out {self.url}: cannot be written: {error.strerror or error}. "
                "Free space or rights, or give another place."
            ) from error


def _is_local(fs: Any) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol))
