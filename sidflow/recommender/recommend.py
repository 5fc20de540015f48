"""Recommendations for known users, for a given history, and by popularity where nothing is known."""

import copy
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from sidflow.dataset.build import Dataset
from sidflow.decoder.files import check_digest
from sidflow.decoder.model import Decoder
from sidflow.decoder.spread import Spread, is_count
from sidflow.errors import DataContractError, ShapeError
from sidflow.interactions.forgotten import Forgotten
from sidflow.recommender.attributes import Attributes
from sidflow.recommender.filters import Filters
from sidflow.recommender.lookup import ItemIndex, check_k, check_rows, check_users, user_row
from sidflow.recommender.popular import Popular
from sidflow.recommender.ranker import Ranker, Stretches
from sidflow.recommender.results import RankedUsers, Recommendation
from sidflow.recommender.wording import Wording


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
        self._dataset, self._forgotten, self._allowed = dataset, forgotten, allowed
        self._index, self._attributes = ItemIndex(self.item_ids), Attributes(attributes, self.item_ids)
        self._ranker = Ranker(decoder, dataset.sids.codes, vectors, allowed, beam)
        self._popular, self._wording = Popular(dataset.histories), Wording(dataset.sids, titles)

    def with_availability(self, available: np.ndarray) -> "Recommender":
        """A recommender that differs in what may be recommended and shares everything else.

        Args:
            available: By catalogue index, (N,) bool; see `live_availability`.

        Raises:
            ShapeError: If it is not of this catalogue.
        """
        allowed = np.asarray(available, dtype=bool)
        if allowed.shape != self._allowed.shape:
            raise ShapeError(f"recommender: {len(self._allowed):,} items, but availability of shape {allowed.shape}.")
        other = copy.copy(self)
        other._allowed = allowed
        other._ranker = self._ranker.allowing(other._allowed)
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
        if not is_count(depth) or depth > len(sids.sizes):
            raise DataContractError(f"recommend: depth {depth}; allowed is 1 to {len(sids.sizes)}, the codes of a SID.")
        (row,) = self._index.rows([item], "like")
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
            k: How many; fewer come back only if fewer items may be recommended, within the quota if there is one.
            exclude_seen: Leave out the history's items.
            filters: Conditions on the items; where they leave nothing, the list is empty.
            spread: Temperatures and a quota, for lists that are less alike; popular items heed the quota.

        Returns:
            Best first. An unknown user and an empty history get popular items, and `reason` says so.

        Raises:
            DataContractError: If `user` is neither an id nor a list of them, an item of a given history is not in the
                catalogue, k is not a whole number of 1 or more, `spread` is for longer SIDs, or a filter names what
                does not exist.
        """
        return self.recommend_many([user], k, exclude_seen, filters, spread)[0]

    def recommend_many(
        self,
        users: Iterable[str | Sequence[str]],
        k: int = 10,
        exclude_seen: bool = True,
        filters: Filters | None = None,
        spread: Spread | None = None,
    ) -> list[list[Recommendation]]:
        """`recommend` for many users or histories in one batch, in their order."""
        check_k(k)
        users = check_users(users)
        if spread is not None:
            spread.check(len(self._dataset.sids.sizes))
        if filters is not None:
            chosen = filters.allowed(self._dataset.sids, self._index, self._attributes)
            return self.with_availability(self._allowed & chosen).recommend_many(users, k, exclude_seen, None, spread)
        histories = [self._history(user) for user in users]
        known = [history for history in histories if history is not None and len(history)]
        ranked = iter(self._ranked(known, min(k, len(self._allowed)), exclude_seen, spread))
        return [
            next(ranked) if history is not None and len(history) else self._most_popular(history, k, spread)
            for history in histories
        ]

    def rank_users(self, users: np.ndarray, k: int = 10, exclude_seen: bool = True) -> RankedUsers:
        """As `recommend_many`, for users of the release's histories by row, in arrays.

        Shapes: b users.

        Args:
            users: Rows of the histories, (b,) int64, in any order; those of like length are quickest together. One
                without events gets no item: all -1.
            k: Items per user.
            exclude_seen: Leave out the history's items.

        Raises:
            DataContractError: If k is below 1, or a row is not of the histories.
        """
        check_k(k)
        users = check_rows(users, len(self._dataset.histories.user_ids))
        offsets, events = self._dataset.histories.offsets, self._dataset.histories.items
        return self._ranker.rank(Stretches(events, offsets[users], offsets[users + 1]), k, exclude_seen)

    def _history(self, user: str | Sequence[str]) -> np.ndarray | None:
        """Catalogue indices of a user's or a given history, oldest first; None for an unknown user."""
        histories = self._dataset.histories
        if not isinstance(user, str):
            return self._index.rows(user)
        row = None if self._forgotten.known([user]) else user_row(histories, user)
        return None if row is None else histories.items[histories.offsets[row] : histories.offsets[row + 1]]

    def _ranked(
        self, histories: list[np.ndarray], k: int, exclude_seen: bool, spread: Spread | None
    ) -> list[list[Recommendation]]:
        """What the decoder finds after histories of at least one item each."""
        if not histories:
            return []
        ranked = self._ranker.rank(Stretches.of(histories), k, exclude_seen, spread)
        return [self._wording.ranked(RankedUsers(*row)) for row in zip(*ranked, strict=True)]

    def _most_popular(self, history: np.ndarray | None, k: int, spread: Spread | None) -> list[Recommendation]:
        """What is popular, for a user whose history is empty, or None: unknown."""
        why = "unknown user" if history is None else "empty history"
        best = self._popular.best(k, self._allowed, self._ranker.search.trie, spread)
        return self._wording.popular(best, self._popular.interactions, why)
