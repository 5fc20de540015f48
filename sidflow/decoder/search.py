"""Beam search through a trie of existing SIDs: the network a level at a time for all beams, the trie compiled."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sidflow.decoder.mask import Mask, make_mask
from sidflow.decoder.model import Decoder
from sidflow.decoder.spread import Spread, choose
from sidflow.decoder.trie import Trie
from sidflow.decoder.walk import Beam, empty_beam, grow, items_under

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
    `rescore`. With a beam at least as wide as the catalogue this is exact search. Ties go to the lower SID. A beam of k
    or more finds k items wherever so many may be returned, and `Spread.widen` keeps it so within a quota.

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

    Raises:
        DataContractError: If `spread` is for longer SIDs.
    """
    spread, mask = spread or Spread(), make_mask(trie) if mask is None else mask
    spread.check(len(trie.levels))
    kept, groups = _walk(decoder, states, trie, beam, k, mask, spread)
    places, under = items_under(kept, trie.levels[-1], mask)
    found, under = places >= 0, np.maximum(under, 0)
    items = torch.from_numpy(trie.order[places]).to(table.device)
    scores = np.where(found, np.take_along_axis(kept.scores, under, 1), -np.inf).astype(np.float32)
    levels, dense = torch.from_numpy(scores).to(table.device), torch.einsum("bd,bnd->bn", states, table[items])
    if rescore is None:
        ranked = (1 - decoder.dense_share) * levels + decoder.dense_share * dense
    else:
        ranked = rescore(items, levels, dense)
    ranked = ranked.masked_fill(~levels.isfinite(), -torch.inf)
    most = k if spread.quota is None else spread.quota
    best = choose(ranked.cpu().numpy(), np.take_along_axis(groups, under, 1), k, most)
    chosen = torch.from_numpy(best).to(table.device)
    missing, chosen = chosen < 0, chosen.clamp_min(0)
    return items.gather(1, chosen).masked_fill(missing, -1), ranked.gather(1, chosen).masked_fill(missing, -torch.inf)


def _walk(
    decoder: Decoder, states: Tensor, trie: Trie, beam: int, k: int, mask: Mask, spread: Spread
) -> tuple[Beam, np.ndarray]:
    """The beam of the last level, and the group of each of its places in which a quota counts, (B, W)."""
    kept, (beam, most) = empty_beam(len(states), 1), spread.widen(beam, k)
    kept.scores[:] = 0
    groups, prefixes = kept.nodes, states[:, None]
    for depth, level in enumerate(trie.levels):
        if depth:
            codes, parents = (torch.from_numpy(each).to(states.device) for each in (kept.codes, kept.parents))
            before = prefixes.gather(1, parents[..., None].expand(-1, -1, prefixes.shape[-1]))
            prefixes = decoder.levels.follow(before, codes, depth - 1)
        logits = decoder.levels.logits(prefixes, depth).float()
        if spread.temperature(depth) != 1:
            logits = logits / spread.temperature(depth)
        log_probs, width = logits.log_softmax(-1).cpu().numpy(), min(beam, len(level.codes))
        capped = spread.quota is not None and depth >= spread.quota_level
        room = most if capped and width < len(level.codes) else width  # where all have a place, none needs room kept
        kept = grow(kept, log_probs, level, mask, groups if capped else np.zeros_like(groups), room, width)
        own = np.arange(width)[None].repeat(len(states), 0)
        groups = own if depth < spread.quota_level else np.take_along_axis(groups, kept.parents, 1)
    return kept, groups
