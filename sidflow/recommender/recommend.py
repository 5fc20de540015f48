"""Recommendations for known users, for a given history, and by popularity where nothing is known."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from sidflow.catalogue.availability import mask_items, read_availability
from sidflow.dataset.build import Dataset, read_dataset
from sidflow.decoder.cold import Search
from sidflow.decoder.files import check_digest, load_decoder
from sidflow.decoder.memory import strongest_partners
from sidflow.decoder.model import Decoder
from sidflow.decoder.ranking import encode_contexts, pad_histories
from sidflow.decoder.reasons import explain_item, shared_prefixes
from sidflow.decoder.rescore import make_rescore
from sidflow.decoder.spread import Spread
from sidflow.decoder.trie import build_trie
from sidflow.embedding.table import read_embeddings
from sidflow.errors import DataContractError, ShapeError
from sidflow.interactions.forgotten import Forgotten
from sidflow.recommender.filters import Attributes, Filters
from sidflow.recommender.lookup import check_k, known_items, read_titles, user_row
from sidflow.recommender.results import RankedUsers, Recommendation


class Recommender:
    """What a release serves. Nothing changes after construction, so threads may share one."""

    def __init__(
        self,
        decoder: Decoder,
        dataset: Dataset,
        vectors: np.ndarray,
        titles: Sequence[str],
        available: np.ndarray | None = None,
        beam: int = 50,
        forgotten: Forgotten = Forgotten(),  # noqa: B008 - frozen
        attributes: Path | None = None,
    ):
        """Prepare for serving.

        Args:
            decoder: The decoder of this data set's SID table.
            dataset: Histories and SIDs; a user's whole history counts, whatever its split.
            vectors: Content vectors, (N, D) float32.
            titles: Titles by catalogue index, N of them.
            available: Items that may be recommended, (N,) bool; None: all.
            beam: Prefixes kept at every level; at least k are kept for k recommendations.
            forgotten: Users of the data set who are unknown from now on.
            attributes: The catalogue.parquet whose columns `Filters.where` may name.

        Raises:
            ReleaseMismatch: If the decoder belongs to another SID table.
            ShapeError: If titles, vectors or availability are not of this catalogue.
        """
        check_digest(decoder.digest, dataset.sids)
        items = len(dataset.sids.codes)
        allowed = np.ones(items, dtype=bool) if available is None else np.asarray(available, dtype=bool)
        if len(titles) != items or allowed.shape != (items,):
            raise ShapeError(
                f"recommender: {items:,} items, but {len(titles):,} titles and availability of shape {allowed.shape}; "
                "take the catalogue of the decoder's own release."
            )
        self._decoder, self._dataset, self._titles, self._beam = decoder.eval(), dataset, titles, beam
        self._vectors, self._table = vectors, decoder.item_table(vectors)
        self._trie = build_trie(dataset.sids.codes, decoder.codes.device)
        self._forgotten, self._attributes = forgotten, Attributes(attributes, dataset.sids.item_ids)
        self._allowed, self._find = allowed, Search(self._decoder, self._table, self._trie, allowed)
        self._popularity = np.bincount(dataset.histories.items, minlength=items)

    @classmethod
    def from_files(
        cls,
        catalogue: Mapping[str, Path],
        dataset: Mapping[str, Path],
        embeddings: Mapping[str, Path],
        decoder: Mapping[str, Path],
        availability: Mapping[str, Path] | None = None,
        forgotten: Forgotten = Forgotten(),  # noqa: B008 - frozen
    ) -> "Recommender":
        """The recommender of a release's artifacts, each given as its files by logical name.

        Raises:
            ReleaseMismatch: If the decoder belongs to another SID table.
            DataContractError: If the catalogue lacks an item of the data set.
        """
        data = read_dataset(dataset)
        titles = read_titles(catalogue, data.sids.item_ids)
        known = read_availability(availability or catalogue)
        available = mask_items(data.sids.item_ids, known, known)
        model = load_decoder(decoder, data.sids)
        vectors = read_embeddings(embeddings).vectors
        return cls(
            model, data, vectors, titles, available, forgotten=forgotten, attributes=catalogue["catalogue.parquet"]
        )

    def with_availability(self, available: np.ndarray) -> "Recommender":
        """A recommender that differs in what may be recommended and shares everything else.

        Args:
            available: By catalogue index, (N,) bool; see `live_availability`.

        Raises:
            ShapeError: If it is not of this catalogue.
        """
        if available.shape != self._allowed.shape:
            raise ShapeError(f"recommender: {len(self._allowed):,} items, but availability of shape {available.shape}.")
        other = copy.copy(self)
        other._allowed = np.asarray(available, dtype=bool)
        other._find = Search(self._decoder, self._table, self._trie, other._allowed)
        return other

    @property
    def item_ids(self) -> pa.Array:
        """The catalogue's ids by index, (N,) string."""
        return self._dataset.sids.item_ids

    @property
    def available(self) -> np.ndarray:
        """Items that may be recommended, by catalogue index, (N,) bool."""
        return self._allowed

    def prefix_of(self, item: str, depth: int = 1) -> tuple[int, ...]:
        """The first codes of an item's SID, for `Filters.prefix`: more like this, the more alike the deeper.

        Raises:
            DataContractError: If the item is not in the catalogue, or the depth not between 1 and the SID's length.
        """
        sids = self._dataset.sids
        if not 1 <= depth <= len(sids.sizes):
            raise DataContractError(f"recommend: depth {depth}; allowed is 1 to {len(sids.sizes)}, the codes of a SID.")
        (row,) = known_items([item], sids.item_ids, "like")
        return tuple(sids.codes[row, :depth].tolist())

    def recommend(
        self,
        user: str | Sequence[str],
        k: int = 10,
        exclude_seen: bool = True,
        filters: Filters | None = None,
        spread: Spread | None = None,
    ) -> list[Recommendation]:
        """The k best items for a user, or after a history.

        Args:
            user: A user id; or a history of item ids, oldest first.
            k: How many; fewer come back only if fewer items may be recommended.
            exclude_seen: Leave out the history's items.
            filters: Conditions on the items; where they leave nothing, the list is empty.
            spread: Temperatures and a quota, for lists that are less alike; popular items heed neither.

        Returns:
            Best first. An unknown user and an empty history get popular items, and `reason` says so.

        Raises:
            DataContractError: If an item of a given history is not in the catalogue, k is below 1, or a filter names
                what does not exist.
        """
        return self.recommend_many([user], k, exclude_seen, filters, spread)[0]

    def recommend_many(
        self,
        users: Sequence[str | Sequence[str]],
        k: int = 10,
        exclude_seen: bool = True,
        filters: Filters | None = None,
        spread: Spread | None = None,
    ) -> list[list[Recommendation]]:
        """`recommend` for many users or histories in one batch, in their order."""
        check_k(k)
        if filters is not None:
            chosen = filters.allowed(self._dataset.sids, self._attributes)
            return self.with_availability(self._allowed & chosen).recommend_many(users, k, exclude_seen, None, spread)
        histories = [self._history(user) for user in users]
        known = {row: history for row, history in enumerate(histories) if history is not None and len(history)}
        found = (
            dict(zip(known, self._search(list(known.values()), k, exclude_seen, spread), strict=True)) if known else {}
        )
        return [
            found[row] if row in found else self._popular(history, k, exclude_seen)
            for row, history in enumerate(histories)
        ]

    def rank_users(self, users: np.ndarray, k: int = 10, exclude_seen: bool = True) -> RankedUsers:
        """As `recommend_many`, for users of the release's histories by row, in arrays.

        Shapes: b users.

        Args:
            users: Rows of the histories, (b,) int64, in any order; those of like length are quickest together.
            k: Items per user.
            exclude_seen: Leave out the history's items.

        Raises:
            DataContractError: If k is below 1.
        """
        check_k(k)
        offsets, events = self._dataset.histories.offsets, self._dataset.histories.items
        padded, lengths, items, scores = self._rank(events, offsets[users], offsets[users + 1], k, exclude_seen)
        depths, like = shared_prefixes(items, padded, lengths, self._dataset.sids.codes)
        return RankedUsers(items, scores, depths, like, self._partners(padded, lengths, items))

    def _history(self, user: str | Sequence[str]) -> np.ndarray | None:
        """Catalogue indices of a user's or a given history, oldest first; None for an unknown user."""
        histories = self._dataset.histories
        if not isinstance(user, str):
            return known_items(user, histories.item_ids)
        row = None if self._forgotten.known([user]) else user_row(histories, user)
        return None if row is None else histories.items[histories.offsets[row] : histories.offsets[row + 1]]

    def _popular(self, history: np.ndarray | None, k: int, exclude_seen: bool) -> list[Recommendation]:
        """The available items with most interactions; ties go to the lower index."""
        order = np.argsort(-self._popularity, kind="stable")
        order = order[self._allowed[order]]
        if exclude_seen and history is not None:
            order = order[~np.isin(order, history)]
        why = "unknown user" if history is None else "empty history"
        return [
            self._item(item, float(self._popularity[item]), f"popular: {self._popularity[item]:,} interactions ({why})")
            for item in order[:k]
        ]

    def _search(
        self, histories: list[np.ndarray], k: int, exclude_seen: bool, spread: Spread | None
    ) -> list[list[Recommendation]]:
        ends = np.cumsum([len(each) for each in histories])
        starts = np.concatenate([[0], ends[:-1]])
        padded, lengths, items, scores = self._rank(np.concatenate(histories), starts, ends, k, exclude_seen, spread)
        partners = self._partners(padded, lengths, items)
        rows = zip(items.tolist(), scores.tolist(), partners.tolist(), histories, strict=True)
        return [
            [
                self._item(item, score, self._reason(item, history, partner))
                for item, score, partner in zip(row, values, others, strict=True)
                if item >= 0
            ]
            for row, values, others, history in rows
        ]

    def _reason(self, item: int, history: np.ndarray, partner: int) -> str:
        recent = history[-self._decoder.max_items :]
        return explain_item(item, recent, self._dataset.sids, self._titles, partner)

    def _partners(self, padded: np.ndarray, lengths: np.ndarray, items: np.ndarray) -> np.ndarray:
        rescorer = self._decoder.rescorer
        if rescorer is None:  # then the decoder keeps no pairs
            return np.full(items.shape, -1, np.int64)
        return strongest_partners(rescorer.memory, padded, lengths, items)

    def _rank(
        self,
        events: np.ndarray,
        starts: np.ndarray,
        ends: np.ndarray,
        k: int,
        exclude_seen: bool,
        spread: Spread | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Padded recent histories (b, T), their lengths (b,), items (b, k) and scores (b, k) of stretches of events."""
        lengths = np.minimum(ends - starts, self._decoder.max_items)
        padded = pad_histories(events, ends - lengths, lengths)
        states = encode_contexts(self._decoder, self._table, padded, lengths)
        excluded = None
        if exclude_seen:
            wholes = pad_histories(events, starts, ends - starts)
            excluded = np.where(np.arange(wholes.shape[1]) < (ends - starts)[:, None], wholes, -1)
        rescore = make_rescore(self._decoder.rescorer, self._vectors, padded, lengths)
        items, scores = self._find(states, max(self._beam, k), k, excluded, rescore, spread)
        return padded, lengths, items.cpu().numpy(), scores.cpu().numpy()

    def _item(self, item: int, score: float, reason: str) -> Recommendation:
        sids = self._dataset.sids
        sid = "-".join(str(code) for code in sids.codes[item])
        return Recommendation(sids.item_ids[item].as_py(), self._titles[item], score, sid, reason)
