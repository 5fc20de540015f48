"""What a decoder's training depends on: the name that its checkpoint goes by."""

import hashlib
from typing import Any

import numpy as np
import torch

from sidflow.artifacts.fingerprint import canonical_json
from sidflow.config import DecoderConfig
from sidflow.dataset.build import Dataset
from sidflow.decoder.model import Decoder
from sidflow.decoder.team import Team
from sidflow.device import resolve_precision

FORMAT = 2  # raise it when the state, or the steps between two states, change
CHUNK = 65_536  # rows hashed at once
NOT_READ = {"rescore", "rescore_users"}  # settings of what comes after training


def training_key(
    dataset: Dataset, vectors: np.ndarray, config: DecoderConfig, max_items: int, initial: Decoder | None, team: Team
) -> bytes:
    """32 bytes that differ when settings, data, start, torch or what computes differ: whatever moves a bit.

    Timestamps and users' ids, which training does not read, have no part in it.
    """
    histories = dataset.histories
    about = {
        "format": FORMAT,
        "settings": {name: each for name, each in config.identity().items() if name not in NOT_READ},
        "max_items": max_items,
        "shape": list(vectors.shape),
        "sids": dataset.sids.digest(),
        "initial": None if initial is None else initial.digest,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "processes": team.size,
        "device": team.device.type,
        "precision": resolve_precision(config.precision, team.device),
    }
    digest = hashlib.sha256(canonical_json(about).encode())
    arrays: list[Any] = [histories.offsets, histories.n_train, histories.n_validation, histories.items, vectors]
    if initial is not None:
        arrays += [each.numpy(force=True) for _, each in sorted(initial.state_dict().items())]
    for array in arrays:
        for start in range(0, max(array.shape[0], 1) if array.ndim else 1, CHUNK):
            digest.update(np.ascontiguousarray(array[start : start + CHUNK] if array.ndim else array).data)
    return digest.digest()
