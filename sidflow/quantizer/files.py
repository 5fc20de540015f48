"""A quantiser on disk: safetensors for the arrays, JSON for the rest. Nothing is unpickled."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from sidflow.errors import CorruptArtifact
from sidflow.quantizer.behaviour import Behaviour
from sidflow.quantizer.codebook import BEHAVIOUR, KEY, Quantizer

TENSORS, DESCRIPTION = "quantizer.safetensors", "quantizer.json"


def save_quantizer(quantizer: Quantizer, folder: Path) -> None:
    """Write quantizer.safetensors and quantizer.json into an existing folder."""
    save_file({name: np.ascontiguousarray(array) for name, array in quantizer.tensors()}, folder / TENSORS)
    description = {
        "method": quantizer.method,
        "dimensions": len(quantizer.mean),
        "layers": len(quantizer.layers),
        "codebooks": list(quantizer.sizes),
        "latent": int(quantizer.codebooks[0].shape[1]),
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_quantizer(files: Mapping[str, Path]) -> Quantizer:
    """The quantiser that `save_quantizer` wrote, from logical file names to local paths.

    Raises:
        CorruptArtifact: If a file is absent, unreadable, or the two do not belong together.
    """
    try:
        description = json.loads(Path(files[DESCRIPTION]).read_text(encoding="utf-8"))
        tensors = load_file(files[TENSORS])
        depth, levels = range(description["layers"]), range(len(description["codebooks"]))
        quantizer = Quantizer(
            mean=tensors["mean"],
            layers=tuple((tensors[f"layer.{i}.weight"], tensors[f"layer.{i}.bias"]) for i in depth),
            codebooks=tuple(tensors[f"codebook.{i}"] for i in levels),
            biases=tuple(tensors[f"bias.{i}"] for i in levels),
            method=description["method"],
            behaviour=Behaviour(*(tensors[name] for name in BEHAVIOUR)) if BEHAVIOUR[0] in tensors else None,
            key=tensors[KEY].tobytes() if KEY in tensors else b"",
        )
        if quantizer.method == "random" and not quantizer.key:  # earlier files have the key where an encoder would be
            quantizer = replace(quantizer, layers=(), key=quantizer.layers[0][0].tobytes())
    except (KeyError, OSError, TypeError, ValueError, SafetensorError) as error:
        raise CorruptArtifact(
            f"quantizer: {TENSORS}, {DESCRIPTION} cannot be read ({error!r}). Fit it again."
        ) from error
    if list(quantizer.sizes) != description["codebooks"] or len(quantizer.mean) != description["dimensions"]:
        raise CorruptArtifact(
            f"quantizer: {DESCRIPTION} says {description['codebooks']} codes over {description['dimensions']} "
            f"dimensions, {TENSORS} holds {list(quantizer.sizes)} over {len(quantizer.mean)}. Fit it again."
        )
    return quantizer
