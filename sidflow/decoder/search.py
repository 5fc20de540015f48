"""Beam search through a trie of existing SIDs held as flat arrays: loops over levels, never over beams or items."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sidflow.decoder.model import Decoder

Rescore = Callable[[Tensor, Tensor, Tensor], Tensor]
"""New scores (B, C) of items (B, C) from their level log-probabilities, -inf where there is none, and dense logits."""


@dataclass(frozen=True)
class Trie:
    """All prefixes of the SIDs of a catalogue, level by level, in CSR form.

    Shapes: N items, n_l prefixes of length l (n_0 = 1, the empty one), L levels.

    Attributes:
        order: Items sorted by SID, (N,) int64. Every prefix covers one stretch of it.
        begins: Per length l = 0..L, where a prefix's stretch begins, (n_l + 1,) int64.
        children: Per length l < L, where a prefix's children begin, (n_l + 1,) int64.
        codes: Per length l < L, the last code of each prefix of length l + 1, (n_(l+1),) int64.
        branching: Per length l < L, the most children of a prefix.
    """

    order: Tensor
    begins: tuple[Tensor, ...]
    children: tuple[Tensor, ...]
    codes: tuple[Tensor, ...]
    branching: tuple[int, ...]


def build_trie(codes: np.ndarray, device: torch.device | str = "cpu") -> Trie:
    """The trie of SIDs (N, L) on a device; items that share a SID share its last node."""
    count, levels = codes.shape
    order = np.lexsort(codes.T[::-1])
    ordered = codes[order].astype(np.int64)
    begins, children, last = [np.array([0, count])], [], []
    fresh = np.zeros(count, dtype=bool)
    fresh[:1] = True
    for level in range(levels):
        fresh[1:] |= ordered[1:, level] != ordered[:-1, level]
        starts = np.flatnonzero(fresh)
        children.append(np.searchsorted(starts, begins[-1]))
        last.append(ordered[starts, level])
        begins.append(np.append(starts, count))
    return Trie(
        torch.from_numpy(order).to(device),
        tuple(torch.from_numpy(each).to(device) for each in begins),
        tuple(torch.from_numpy(each).to(device) for each in children),
        tuple(torch.from_numpy(each).to(device) for each in last),
        tuple(int(np.diff(each).max()) for each in children),
    )


@torch.inference_mode()
def beam_search(
    decoder: Decoder,
    table: Tensor,
    states: Tensor,
    trie: Trie,
    beam: int,
    k: int,
    allowed: Tensor | None = None,
    rescore: Rescore | None = None,
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
        allowed: Items that may be returned, (N,) or (B, N) bool; None allows all. A prefix without any is not entered.
        rescore: What ranks the items found; by default `dense_share` of the dense logit and the rest of the codes.

    Returns:
        Catalogue indices (B, k) int64 and scores (B, k) float32, best first. Where fewer than k items are
        found, index -1 and score -inf. Scores compare within a row only.
    """
    counts = None if allowed is None else _allowed_counts(trie, allowed.view(-1, allowed.shape[-1]), len(states))
    nodes = torch.zeros(len(states), 1, dtype=torch.int64, device=states.device)
    scores = torch.zeros(len(states), 1, device=states.device)
    prefixes = states[:, None]
    for level in range(len(trie.codes)):
        log_probs = decoder.levels.logits(prefixes, level).float().log_softmax(-1)  # (B, W, K)
        child, alive = _children(trie, level, nodes)  # (B, W, branching)
        if counts is not None:
            alive = alive & (_stretch_counts(trie, level + 1, child, counts) > 0)
        code = trie.codes[level][child]
        grown = (scores[..., None] + log_probs.gather(-1, code)).masked_fill(~alive, -torch.inf).flatten(1)
        scores, best = grown.topk(min(beam, grown.shape[1]))
        nodes = child.flatten(1).gather(1, best)
        parent = (best // trie.branching[level])[..., None].expand(-1, -1, prefixes.shape[-1])
        prefixes = decoder.levels.follow(prefixes.gather(1, parent), code.flatten(1).gather(1, best), level)
    place, scores = _items_found(trie, nodes, scores, counts)
    items = trie.order[place]
    dense = torch.einsum("bd,bnd->bn", states, table[items])
    if rescore is None:
        ranked = (1 - decoder.dense_share) * scores + decoder.dense_share * dense
    else:
        ranked = rescore(items, scores, dense)
    return _best(place, items, ranked.masked_fill(~scores.isfinite(), -torch.inf), k)


def _items_found(trie: Trie, nodes: Tensor, scores: Tensor, counts: Tensor | None) -> tuple[Tensor, Tensor]:
    """Places in the trie's order of all items behind the last nodes (B, C), and their scores, -inf where none is."""
    begins = trie.begins[-1]
    first, size = begins[nodes], begins[nodes + 1] - begins[nodes]
    spread = torch.arange(int(size.max()), device=nodes.device)
    place = (first[..., None] + spread).clamp_max(len(trie.order) - 1)  # (B, W, items of a SID)
    alive = (spread < size[..., None]) & scores[..., None].isfinite()
    if counts is not None:
        alive &= (counts.gather(1, place.flatten(1) + 1) > counts.gather(1, place.flatten(1))).view(alive.shape)
    scores = scores[..., None].expand(alive.shape).masked_fill(~alive, -torch.inf)
    return place.flatten(1), scores.flatten(1)


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


def _allowed_counts(trie: Trie, allowed: Tensor, rows: int) -> Tensor:
    """How many allowed items stand before each place of the order, (B, N + 1)."""
    counts = allowed[:, trie.order].cumsum(1, dtype=torch.int32)
    return torch.nn.functional.pad(counts, (1, 0)).expand(rows, -1)


def _stretch_counts(trie: Trie, length: int, nodes: Tensor, counts: Tensor) -> Tensor:
    """Allowed items under each node (B, ...) of a prefix length."""
    flat = nodes.flatten(1)
    begins = trie.begins[length]
    return (counts.gather(1, begins[flat + 1]) - counts.gather(1, begins[flat])).view(nodes.shape)
