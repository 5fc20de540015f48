"""Warm start: what a previous decoder knows, carried to a new catalogue and a new SID table."""

import logging

import numpy as np
import pyarrow.compute as pc
import torch

from sidflow.decoder.model import Decoder

logger = logging.getLogger(__name__)

OWN, KNOWN, CONTENT = "items.own.weight", "items.known", "items.content"


@torch.no_grad()
def warm_start(decoder: Decoder, previous: Decoder) -> dict[str, int]:
    """Copy into `decoder` every weight of `previous` that still means the same.

    Own vectors follow their item's id; code tables keep their rows, since an aligned code keeps its meaning;
    a tensor whose shape has changed starts afresh, and with content of another width all that reads content.

    Returns:
        Facts: `items` carried over, `tensors_reset`.
    """
    new, old = decoder.state_dict(), previous.state_dict()
    other_content = new[f"{CONTENT}.weight"].shape != old[f"{CONTENT}.weight"].shape
    reset = 0
    for name, tensor in new.items():
        if name in (OWN, KNOWN):
            continue
        fits = name in old and old[name].shape == tensor.shape
        if fits and not (other_content and name.startswith(CONTENT)):
            tensor.copy_(old[name])
        else:
            reset += 1
    carried = 0
    if new[OWN].shape[1] == old[OWN].shape[1]:
        found = pc.fill_null(pc.index_in(decoder.item_ids, value_set=previous.item_ids), -1)
        source = np.asarray(found.to_numpy(zero_copy_only=False))
        target = np.flatnonzero(source >= 0)
        vectors = old[OWN][torch.from_numpy(source[target]).long()]
        new[OWN][torch.from_numpy(target)] = vectors.to(new[OWN].device)
        carried = len(target)
    logger.info("decoder: warm start with %d items carried over, %d tensors reset", carried, reset)
    return {"items": carried, "tensors_reset": reset}
