"""The latest state of a fit on disk: one file, replaced whole, believed only by the fit that it belongs to."""

import hashlib
import logging
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import torch

from sidflow.artifacts.writing import writing

log = logging.getLogger(__name__)

FILE = "fit.checkpoint"
DIGEST = 32  # bytes of sha256
SHARE = 0.05  # of a fit's time that may go into its notes
State = dict[str, Any]


class Checkpoint:
    """Where a fit keeps its state, and how often.

    The file is a sha256 of all that follows it, the fit's key, and the state as `torch.save` writes it. It goes to the
    disk tensor by tensor, so a note costs no second copy of the state.
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
        if self.path is None or not self.path.exists():
            return None
        with self.path.open("rb") as file:
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
        temporary = self.path.with_name(f".{FILE}.{uuid.uuid4().hex}")
        try:
            with writing(self.path), temporary.open("wb") as file:
                self._write(state(), file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        temporary.replace(self.path)
        self.written = time.monotonic()
        self.took = self.written - began

    def remove(self) -> None:
        """Forget the state, and what killed writers left beside it."""
        if self.path is not None:
            for each in (self.path, *self.path.parent.glob(f".{FILE}.*")):
                each.unlink(missing_ok=True)

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
