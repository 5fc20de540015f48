"""The latest state of a fit on disk: one file, replaced whole, believed only by the fit that it belongs to."""

import hashlib
import logging
import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import torch

from sidflow.artifacts.writing import writing

log = logging.getLogger(__name__)

FILE = "fit.checkpoint"
DIGEST = 32  # bytes of sha256
SHARE = 0.05  # of a fit's time that may go into its notes
ABANDONED = 86_400.0  # seconds without a write after which a half-written file is a killed writer's, whoever's it was
State = dict[str, Any]


class Checkpoint:
    """Where a fit keeps its state, and how often.

    The file is a sha256 of all that follows it, the fit's key, and the state as `torch.save` writes it. It goes to the
    disk tensor by tensor, so a note costs no second copy of the state. Fits that share a folder share the file, which
    the last note is in; none removes what is another's.
    """

    def __init__(self, folder: Path | None, key: bytes = b"", seconds: float | None = None):
        """Nothing is read or written yet.

        Args:
            folder: An existing folder; None keeps no state.
            key: 32 bytes that differ whenever a result would.
            seconds: Between two notes; more where a note takes so long that they would cost over 5% of the time. 0 is
                at every call; None keeps no state either.
        """
        self.path = folder / FILE if folder is not None and seconds is not None else None
        self.key, self.seconds = key, seconds or 0.0
        self.written, self.took = time.monotonic(), 0.0

    def load(self) -> State | None:
        """The state of this very fit; None, with a line in the log, if the file is broken or another fit's."""
        if self.path is None:
            return None
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            digest = file.read(DIGEST)
            if hashlib.file_digest(file, "sha256").digest() != digest:
                log.warning("%s is damaged and ignored: the fit starts anew", self.path)
                return None
            file.seek(DIGEST)
            if file.read(DIGEST) != self.key:
                log.info("%s belongs to a fit on other data or settings and is ignored", self.path)
                return None
            state: State = torch.load(file, weights_only=True)
            return state
        return None

    def keep(self, state: Callable[[], State], now: bool = False) -> None:
        """Write the state if the last one is old enough; a crash leaves either the old file or the new one.

        Args:
            state: Makes the state, if it is written.
            now: However old the last one is.

        Raises:
            ArtifactError: If the disk is full or forbidden.
        """
        began = time.monotonic()
        wait = 0.0 if now else self.seconds and max(self.seconds, self.took / SHARE)
        if self.path is None or began - self.written < wait:
            return
        temporary = self.path.with_name(f"{self._half_written}{uuid.uuid4().hex}")
        try:
            with writing(self.path), temporary.open("wb") as file:
                self._write(state(), file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        with suppress(FileNotFoundError):  # a second run of this very fit has ended and removed it
            temporary.replace(self.path)
        self.written = time.monotonic()
        self.took = self.written - began

    def remove(self) -> None:
        """Forget this fit's state, and what its killed writers left beside it; another fit's stays: it may be running.

        Of other fits, half-written files go that nobody has written to for a day.
        """
        if self.path is None:
            return
        with suppress(FileNotFoundError):
            with self.path.open("rb") as file:
                file.seek(DIGEST)
                own = file.read(DIGEST) == self.key
            if own:
                self.path.unlink()
        for each in self.path.parent.glob(f".{FILE}.*"):
            with suppress(FileNotFoundError):  # put in its place meanwhile
                if each.name.startswith(self._half_written) or time.time() - each.stat().st_mtime > ABANDONED:
                    each.unlink()

    @property
    def _half_written(self) -> str:
        """How the names of this fit's temporary files begin."""
        return f".{FILE}.{self.key.hex()[:16]}."

    def _write(self, state: State, file: BinaryIO) -> None:
        body = _Hashing(file)
        file.seek(DIGEST)
        body.write(self.key)
        torch.save(state, body)  # type: ignore[arg-type]  # all that torch asks of a file is `write`
        file.seek(0)
        file.write(body.hash.digest())
        file.flush()
        os.fsync(file.fileno())


class _Hashing:
    """A file to write to that keeps the sha256 of what went through."""

    def __init__(self, file: BinaryIO):
        self.file, self.hash = file, hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.hash.update(content)
        return self.file.write(content)

    def flush(self) -> None:
        self.file.flush()
