"""A decoder on disk: safetensors for the weights, JSON for the rest. Nothing is unpickled."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file

from sidflow.config import DecoderConfig
from sidflow.decoder.memory import Rescorer, load_memory, save_memory
from sidflow.decoder.model import Decoder
from sidflow.decoder.rescore import FEATURES
from sidflow.errors import CorruptArtifact, ReleaseMismatch
from sidflow.semantic_ids.table import SidTable

WEIGHTS, DESCRIPTION = "decoder.safetensors", "decoder.json"


def save_decoder(decoder: Decoder, folder: Path) -> None:
    """Write `decoder.safetensors` and `decoder.json`, which names the SID table that the decoder is bound to.

    A decoder with a rescorer also has `memory.safetensors`.
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in decoder.state_dict().items()}
    save_file(weights, folder / WEIGHTS)
    description = {
        "sid_digest": decoder.digest,
        "content_dim": decoder.content_dim,
        "max_items": decoder.max_items,
        "config": decoder.config.model_dump(mode="json"),
    }
    if decoder.rescorer is not None:
        description["rescorer"] = dict(zip(FEATURES, decoder.rescorer.weights.tolist(), strict=True))
        save_memory(decoder.rescorer.memory, folder)
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=1, sort_keys=True), encoding="utf-8")


def load_decoder(files: Mapping[str, Path], sids: SidTable) -> Decoder:
    """The decoder of a SID table, in evaluation mode.

    Raises:
        ReleaseMismatch: If it was trained on another SID table.
        CorruptArtifact: If its weights do not fit its description.
    """
    description = json.loads(files[DESCRIPTION].read_text(encoding="utf-8"))
    check_digest(description["sid_digest"], sids)
    config = DecoderConfig.model_validate(description["config"])
    decoder = Decoder(sids, description["content_dim"], config, description["max_items"])
    try:
        decoder.load_state_dict(load_file(files[WEIGHTS]))
    except RuntimeError as error:
        raise CorruptArtifact(
            f"{files[WEIGHTS]}: the weights do not fit {DESCRIPTION}: {error}. Run the stage decoder again."
        ) from error
    if weights := description.get("rescorer"):
        decoder.rescorer = Rescorer(np.array([weights[name] for name in FEATURES]), load_memory(files))
    return decoder.eval()


def check_digest(digest: str, sids: SidTable) -> None:
    """Refuse a SID table that is not the decoder's own: codes would mean other items, and nothing would show it.

    Raises:
        ReleaseMismatch: If the table's digest is not `digest`.
    """
    if sids.digest() != digest:
        raise ReleaseMismatch(
            f"decoder: trained on SID table {digest[:12]}, got {sids.digest()[:12]}; its codes mean other items there. "
            "Load both from one release, or train the decoder on this table."
        )
