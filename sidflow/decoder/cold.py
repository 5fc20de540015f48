"""Places for items without training events, which would otherwise never come before those that have a past."""

import numpy as np
import torch
from numba import njit
from torch import Tensor

from sidflow.decoder.mask import Mask, make_mask
from sidflow.decoder.model import Decoder
from sidflow.decoder.search import Rescore, beam_search
from sidflow.decoder.spread import Spread, prefix_numbers
from sidflow.decoder.trie import Trie

WIDER = 4
"""Beams for cold items to one for others: no training event ever led to their codes, so theirs rank lower."""


class Search:
    """Beam search over one catalogue, with a share of every list kept for cold items.

    Cold items are searched apart, by codes and content alone as they have nothing else, and take every
    1 / `decoder.cold_share`-th place. Where there are too few of one kind the other fills up. The first j places of a
    longer list are those of a list of j, if both come from beams of one width and there is no quota, under which what a
    beam keeps depends on k.
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
            spread: Temperatures and a quota, which holds for both kinds together.
        """
        spread, kinds = spread or Spread(), []
        for width, mask in zip((beam, WIDER * beam), self.masks, strict=False):
            own: Mask = mask if excluded is None else mask.without(self.trie, excluded)
            found = beam_search(self.decoder, self.table, states, self.trie, width, k, own, rescore, spread)
            kinds.append(found)
        if len(kinds) == 1:
            return kinds[0]
        if spread.quota is None:
            return interleave(kinds[0], kinds[1], self.share)
        prefixes = [prefix_numbers(self.trie, items.cpu().numpy(), spread.quota_level) for items, _ in kinds]
        return interleave(kinds[0], kinds[1], self.share, np.concatenate(prefixes, 1), spread.quota)


def interleave(
    known: tuple[Tensor, Tensor],
    cold: tuple[Tensor, Tensor],
    share: float,
    groups: np.ndarray | None = None,
    most: int | None = None,
) -> tuple[Tensor, Tensor]:
    """One list of two: every 1 / share-th place goes to the second, and either fills up where the other ends.

    Args:
        known: Items and scores, (B, k) each, best first, -1 and -inf where there are fewer.
        cold: The same.
        share: In (0, 1].
        groups: Group of each known and then of each cold item, counted from 0, (B, 2k); None: all of one.
        most: Items of a group; None: any number.
    """
    items, scores = (torch.cat(both, 1) for both in zip(known, cold, strict=True))
    count = known[0].shape[1]
    groups = np.zeros(items.shape, np.int64) if groups is None else groups
    places = torch.from_numpy(_merge(items.cpu().numpy(), groups, share, count if most is None else most))
    missing, places = (places < 0).to(items.device), places.clamp_min(0).to(items.device)
    return items.gather(1, places).masked_fill(missing, -1), scores.gather(1, places).masked_fill(missing, -torch.inf)


@njit(nogil=True, cache=True)
def _merge(items, groups, share, most):  # type: ignore[no-untyped-def]
    """Places of the merged list in the two that stand side by side, (B, k); -1 behind its last."""
    rows, k = len(items), items.shape[1] // 2
    merged = np.full((rows, k), -1)
    for row in range(rows):
        taken = np.zeros(groups[row].max() + 1, np.int64)
        known, cold = 0, k
        given = 0  # to cold items
        for place in range(k):
            while known < k and items[row, known] >= 0 and taken[groups[row, known]] >= most:
                known += 1
            while cold < 2 * k and items[row, cold] >= 0 and taken[groups[row, cold]] >= most:
                cold += 1
            any_known, any_cold = known < k and items[row, known] >= 0, cold < 2 * k and items[row, cold] >= 0
            if any_cold and (given < int((place + 1) * share + 1e-9) or not any_known):
                chosen, cold, given = cold, cold + 1, given + 1
            elif any_known:
                chosen, known = known, known + 1
            else:
                break
            merged[row, place] = chosen
            taken[groups[row, chosen]] += 1
    return merged
