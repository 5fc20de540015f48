"""The latest state of a fit on disk: one file, replaced whole, believed only by the fit that it belongs to."""

import hashlib
import io
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sidflow.artifacts.fingerprint import canonical_json
from sidflow.artifacts.writing import temporary_file
from sidflow.config import QuantizerConfig
from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.digests import row_digests

log = logging.getLogger(__name__)

FILE = "fit.checkpoint"
FORMAT = 1  # raise it when the state, or the steps between two states, change
DIGEST = 32  # bytes of sha256
State = dict[str, Any]


class Checkpoint:
    """Where a fit keeps its state, and how often."""

    def __init__(self, folder: Path | None, key: bytes = b"", seconds: float | None = None):
        """Nothing is read or written yet.

        Args:
            folder: An existing folder; None keeps no state.
            key: 32 bytes that name the fit, of `fit_key`.
            seconds: Between two writes; None keeps no state either.
        """
        self.path = folder / FILE if folder is not None and seconds is not None else None
        self.key, self.seconds = key, seconds or 0.0
        self.written = time.monotonic()

    def load(self) -> State | None:
        """The state of this very fit; None, with a line in the log, if the file is broken or another fit's."""
        if self.path is None or not self.path.exists():
            return None
        content = self.path.read_bytes()
        digest, key, body = content[:DIGEST], content[DIGEST : 2 * DIGEST], content[2 * DIGEST :]
        if hashlib.sha256(key + body).digest() != digest:
            log.warning("quantizer: %s is damaged and ignored: the fit starts anew", self.path)
            return None
        if key != self.key:
            log.info("quantizer: %s belongs to a fit on other data or settings and is ignored", self.path)
            return None
        state: State = torch.load(io.BytesIO(body), weights_only=True)
        return state

    def keep(self, state: Callable[[], State]) -> None:
        """Write the state if the last one is old enough; a crash leaves either the old file or the new one.

        Raises:
            ArtifactError: If the disk is full or forbidden.
        """
        if self.path is None or time.monotonic() - self.written < self.seconds:
            return
        buffer = io.BytesIO()
        torch.save(state(), buffer)
        body = buffer.getvalue()
        temporary_file(self.path, hashlib.sha256(self.key + body).digest() + self.key + body).replace(self.path)
        self.written = time.monotonic()

    def remove(self) -> None:
        """Forget the state, and what killed writers left beside it."""
        if self.path is not None:
            for each in (self.path, *self.path.parent.glob(f".{FILE}.*")):
                each.unlink(missing_ok=True)


def fit_key(
    vectors: npt.NDArray[Any], pairs: Pairs | None, config: QuantizerConfig, initial: Quantizer | None
) -> bytes:
    """32 bytes that differ when settings, data, start, torch or its number of threads differ: whatever moves a bit."""
    about = {
        "format": FORMAT,
        "settings": config.identity(),
        "shape": list(vectors.shape),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }
    digest = hashlib.sha256(canonical_json(about).encode())
    digest.update(row_digests(vectors).tobytes())
    arrays: Mapping[str, Any] = vars(pairs) if pairs is not None else {}
    for column in (each for each in arrays.values() if each is not None):
        digest.update(np.ascontiguousarray(column).tobytes())
    if initial is not None:
        for name, array in initial.tensors():
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.digest()
