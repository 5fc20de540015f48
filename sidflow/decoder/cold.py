"""Places for items without training events, which would otherwise never come before those that have a past."""

import numpy as np
import torch
from torch import Tensor

from sidflow.decoder.mask import Mask, make_mask
from sidflow.decoder.model import Decoder
from sidflow.decoder.search import Rescore, beam_search
from sidflow.decoder.spread import Spread
from sidflow.decoder.trie import Trie

WIDER = 4
"""Beams for cold items to one for others: no training event ever led to their codes, so theirs rank lower."""


class Search:
    """Beam search over one catalogue, with a share of every list kept for cold items.

    Cold items are searched apart, by codes and content alone as they have nothing else, and take every
    1 / `decoder.cold_share`-th place, so that the first j places of a longer list are those of a list of j. Where there
    are too few of one kind the other fills up.
    """

    def __init__(self, decoder: Decoder, table: Tensor, trie: Trie, allowed: np.ndarray | None = None):
        """Prepare the masks.

        Args:
            decoder: The model, in evaluation mode.
            table: Item vectors, (N, d).
            trie: SIDs that exist.
            allowed: Items that any history may get, (N,) bool; None: all.
        """
        self.decoder, self.table, self.trie = decoder, table, trie
        known = decoder.items.known.cpu().numpy()
        every = np.ones(len(known), bool) if allowed is None else np.asarray(allowed, bool)
        self.share = decoder.config.cold_share if (every & ~known).any() else 0.0
        self.masks = [make_mask(trie, each) for each in ((every & known, every & ~known) if self.share else (every,))]

    def __call__(
        self,
        states: Tensor,
        beam: int,
        k: int,
        excluded: np.ndarray | None = None,
        rescore: Rescore | None = None,
        spread: Spread | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The k best items of each history (B, k) and their scores; see `beam_search`.

        A score compares with those of the same kind, cold or not, of its row only.

        Args:
            states: State after each history, (B, d).
            beam: Prefixes kept at every level; `WIDER` times as many where cold items are searched apart.
            k: Items to return.
            excluded: Items that a history must not get, (B, H) int64, -1 for none; None: none at all.
            rescore: What ranks the items found.
            spread: Temperatures and a quota, of either kind apart.
        """
        kinds = []
        for width, mask in zip((beam, WIDER * beam), self.masks, strict=False):
            own: Mask = mask if excluded is None else mask.without(self.trie, excluded)
            found = beam_search(self.decoder, self.table, states, self.trie, width, k, own, rescore, spread)
            kinds.append(found)
        return kinds[0] if len(kinds) == 1 else interleave(kinds[0], kinds[1], self.share)


def interleave(known: tuple[Tensor, Tensor], cold: tuple[Tensor, Tensor], share: float) -> tuple[Tensor, Tensor]:
    """One list of two: every 1 / share-th place goes to the second, and either fills up where the other ends.

    Args:
        known: Items and scores, (B, k) each, best first, -1 and -inf where there are fewer.
        cold: The same.
        share: In (0, 1].
    """
    place = torch.arange(known[0].shape[1] + 1, device=known[0].device)
    wanted = (place.double() * share + 1e-9).long()  # cold items in the first places, if there are enough
    ends, cold_ends = ((each[0] >= 0).sum(1, keepdim=True) for each in (known, cold))
    taken = wanted.maximum(place - ends).minimum(cold_ends)  # (B, k + 1)
    from_cold, before = taken[:, 1:] > taken[:, :-1], taken[:, :-1]
    at = torch.where(from_cold, before, place[:-1] - before)
    beyond = place[:-1] >= ends + cold_ends

    def merged(one: Tensor, other: Tensor, nothing: float) -> Tensor:
        return torch.where(from_cold, other.gather(1, at), one.gather(1, at)).masked_fill(beyond, nothing)

    return merged(known[0], cold[0], -1), merged(known[1], cold[1], -torch.inf)
