"""Beam search through a trie of existing SIDs held as flat arrays: loops over levels, never over beams or items."""

from collections.abc import Callable

import torch
from torch import Tensor

from sidflow.decoder.mask import Mask
from sidflow.decoder.model import Decoder
from sidflow.decoder.spread import Spread, cap_groups
from sidflow.decoder.trie import Trie

Rescore = Callable[[Tensor, Tensor, Tensor], Tensor]
"""New scores (B, C) of items (B, C) from their level log-probabilities, -inf where there is none, and dense logits."""


@torch.inference_mode()
def beam_search(
    decoder: Decoder,
    table: Tensor,
    states: Tensor,
    trie: Trie,
    beam: int,
    k: int,
    mask: Mask | None = None,
    rescore: Rescore | None = None,
    spread: Spread | None = None,
) -> tuple[Tensor, Tensor]:
    """The k best items of each history among those that the beam reaches.

    Codes are searched by level log-probability; the items found are ranked by the decoder's whole score, or by
    `rescore`. With a beam at least as wide as the catalogue this is exact search. Ties go to the lower SID.

    Shapes: B histories, N items, d dimensions, L levels.

    Args:
        decoder: The model, in evaluation mode.
        table: Item vectors, (N, d), as `Decoder.item_table` makes them.
        states: State after each history, (B, d).
        trie: SIDs that exist.
        beam: Prefixes kept at every level.
        k: Items to return.
        mask: Items that may be returned; None allows all. A prefix without any is not entered.
        rescore: What ranks the items found; by default `dense_share` of the dense logit and the rest of the codes.
        spread: Temperatures and a quota; within a quota, the beam too keeps room for other prefixes.

    Returns:
        Catalogue indices (B, k) int64 and scores (B, k) float32, best first. Where fewer than k items are
        found, index -1 and score -inf. Scores compare within a row only.
    """
    spread = spread or Spread()
    nodes = torch.zeros(len(states), 1, dtype=torch.int64, device=states.device)
    scores = torch.zeros(len(states), 1, device=states.device)
    groups, prefixes = nodes, states[:, None]
    for level in range(len(trie.codes)):
        logits = decoder.levels.logits(prefixes, level).float() / spread.temperature(level)
        child, alive = _children(trie, level, nodes)  # (B, W, branching)
        if mask is not None:
            begins = trie.begins[level + 1]
            alive = alive & (mask.under(begins[child], begins[child + 1]) > 0)
        code = trie.codes[level][child]
        log_probs = logits.log_softmax(-1).gather(-1, code)
        grown = (scores[..., None] + log_probs).masked_fill(~alive, -torch.inf).flatten(1)
        if spread.quota is not None and level >= spread.quota_level:
            room = max(beam // -(-k // spread.quota), 1)  # as many prefixes as a full list needs find a place
            grown = cap_groups(grown, groups[..., None].expand(child.shape).flatten(1), room)
        scores, best = grown.topk(min(beam, grown.shape[1]))
        nodes = child.flatten(1).gather(1, best)
        parent = best // trie.branching[level]
        groups = nodes if level < spread.quota_level else groups.gather(1, parent)
        parent = parent[..., None].expand(-1, -1, prefixes.shape[-1])
        prefixes = decoder.levels.follow(prefixes.gather(1, parent), code.flatten(1).gather(1, best), level)
    place, scores, groups = _items_found(trie, nodes, scores, groups, mask)
    items = trie.order[place]
    dense = torch.einsum("bd,bnd->bn", states, table[items])
    if rescore is None:
        ranked = (1 - decoder.dense_share) * scores + decoder.dense_share * dense
    else:
        ranked = rescore(items, scores, dense)
    ranked = ranked.masked_fill(~scores.isfinite(), -torch.inf)
    if spread.quota is not None:
        ranked = cap_groups(ranked, groups, spread.quota)
    return _best(place, items, ranked, k)


def _items_found(
    trie: Trie, nodes: Tensor, scores: Tensor, groups: Tensor, mask: Mask | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Places in the order of all items behind the last nodes (B, C), their scores, -inf where none is, and groups."""
    begins = trie.begins[-1]
    first, size = begins[nodes], begins[nodes + 1] - begins[nodes]
    offset = torch.arange(int(size.max()), device=nodes.device)
    place = (first[..., None] + offset).clamp_max(len(trie.order) - 1)  # (B, W, items of a SID)
    alive = (offset < size[..., None]) & scores[..., None].isfinite()
    if mask is not None:
        alive = alive & (mask.under(place, place + 1) > 0)
    scores = scores[..., None].expand(alive.shape).masked_fill(~alive, -torch.inf)
    return place.flatten(1), scores.flatten(1), groups[..., None].expand(alive.shape).flatten(1)


def _best(place: Tensor, items: Tensor, scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k best items of each row, padded with -1; ties go to the lower place."""
    by_sid = place.argsort(1)
    ranked, best = scores.gather(1, by_sid).sort(dim=1, descending=True, stable=True)
    items = items.gather(1, by_sid).gather(1, best).masked_fill(~ranked.isfinite(), -1)[:, :k]
    missing = (0, max(k - items.shape[1], 0))
    pad = torch.nn.functional.pad
    return pad(items, missing, value=-1), pad(ranked[:, :k], missing, value=-torch.inf)


def _children(trie: Trie, level: int, nodes: Tensor) -> tuple[Tensor, Tensor]:
    """Children (B, W, branching) of nodes (B, W), and which of them exist."""
    pointers = trie.children[level]
    spread = torch.arange(trie.branching[level], device=nodes.device)
    child = pointers[nodes][..., None] + spread
    return child.clamp_max(len(trie.codes[level]) - 1), child < pointers[nodes + 1][..., None]
