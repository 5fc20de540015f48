"""The best items after stretches of events, in arrays: everything that a recommender does with numbers."""

import copy
from typing import NamedTuple

import numpy as np

from sidflow.decoder.cold import Search
from sidflow.decoder.memory import followed_items, strongest_partners
from sidflow.decoder.model import Decoder
from sidflow.decoder.ranking import encode_contexts, pad_histories, seen_items
from sidflow.decoder.reasons import shared_prefixes
from sidflow.decoder.rescore import make_rescore
from sidflow.decoder.spread import Spread
from sidflow.decoder.trie import build_trie
from sidflow.recommender.results import RankedUsers


class Stretches(NamedTuple):
    """Events [starts, ends) of `events`, catalogue indices in time order; b stretches, (b,) int64 each."""

    events: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, histories: list[np.ndarray]) -> "Stretches":
        """Histories one behind the other."""
        ends = np.cumsum([len(each) for each in histories])
        return cls(np.concatenate(histories), np.concatenate(([0], ends[:-1])), ends)


class Ranker:
    """A decoder with what it needs to rank the items of its catalogue."""

    def __init__(self, decoder: Decoder, codes: np.ndarray, vectors: np.ndarray, allowed: np.ndarray, beam: int):
        """Make the item table and the trie.

        Args:
            decoder: The model; put into evaluation mode.
            codes: SIDs, (N, L).
            vectors: Content vectors, (N, D) float32.
            allowed: Items that may be listed, (N,) bool.
            beam: Prefixes kept at every level; at least k are kept for k items.
        """
        self._codes, self._vectors, self._beam = codes, vectors, beam
        self.search = Search(decoder.eval(), decoder.item_table(vectors), build_trie(codes), allowed)

    def allowing(self, allowed: np.ndarray) -> "Ranker":
        """The same for other items, (N,) bool; all else is shared."""
        other, search = copy.copy(self), self.search
        other.search = Search(search.decoder, search.table, search.trie, allowed)
        return other

    def rank(self, stretches: Stretches, k: int, exclude_seen: bool, spread: Spread | None = None) -> RankedUsers:
        """The k best items after each stretch, and what they have in common with its newest `max_items` events.

        Args:
            stretches: b of them; one without events gets no item.
            k: Items for each.
            exclude_seen: Leave out the items of the whole stretch.
            spread: Temperatures and a quota.
        """
        events, starts, ends = stretches
        filled = np.flatnonzero(ends > starts)
        if len(filled) and len(filled) == len(ends):
            return self._rank(stretches, k, exclude_seen, spread)
        ranked = RankedUsers.nothing(len(ends), k)
        if len(filled):
            found = self._rank(Stretches(events, starts[filled], ends[filled]), k, exclude_seen, spread)
            for every, part in zip(ranked, found, strict=True):
                every[filled] = part
        return ranked

    def _rank(self, stretches: Stretches, k: int, exclude_seen: bool, spread: Spread | None) -> RankedUsers:
        """The same, with at least one event in each stretch."""
        decoder = self.search.decoder
        events, starts, ends = stretches
        lengths = np.minimum(ends - starts, decoder.max_items)
        recent = pad_histories(events, ends - lengths, lengths)
        states = encode_contexts(decoder, self.search.table, recent, lengths)
        rescore = make_rescore(decoder.rescorer, self._vectors, recent, lengths)
        seen = seen_items(events, starts, ends) if exclude_seen else None
        found = self.search(states, max(self._beam, k), k, seen, rescore, spread)
        items, scores = (each.cpu().numpy() for each in found)
        depths, like = shared_prefixes(items, recent, lengths, self._codes)
        if decoder.rescorer is None:  # then the decoder remembers nothing
            nothing = np.full(items.shape, -1, np.int64)
            return RankedUsers(items, scores, depths, like, nothing, nothing)
        found_in = (decoder.rescorer.memory, recent, lengths, items)
        return RankedUsers(items, scores, depths, like, strongest_partners(*found_in), followed_items(*found_in))
