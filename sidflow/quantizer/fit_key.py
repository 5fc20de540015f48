"""What a fit of the quantiser depends on: the name that its checkpoint goes by."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sidflow.artifacts.fingerprint import canonical_json
from sidflow.config import QuantizerConfig
from sidflow.pairs.table import Pairs
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.digests import row_digests

FORMAT = 2  # raise it when the state, or the steps between two states, change


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
