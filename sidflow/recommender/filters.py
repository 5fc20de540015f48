"""What a list of recommendations may hold: by attribute, by SID prefix, by item."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral

import numpy as np
import numpy.typing as npt

from sidflow.errors import DataContractError
from sidflow.recommender.attributes import Attributes
from sidflow.recommender.lookup import ItemIndex
from sidflow.semantic_ids.table import SidTable

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Filters:
    """Conditions on recommended items, all of which must hold; the search enters no prefix under which none does.

    Attributes:
        where: Catalogue column to the values it may have. A value stands for the whole text, or for one part of a text
            such as "Hair Care > Shampoos" or "Action|Comedy", whatever its case.
        prefix: First codes of the SID, so that (12, 7) gives more of what 12-7 holds.
        only: Item ids to choose from, such as those in stock; None: all. Ids that the release does not know, such as
            those of items that are younger, are ignored: nothing could list them.
        without: Item ids to leave out; unknown ones are ignored too.
    """

    where: Mapping[str, Collection[str]] = field(default_factory=dict)
    prefix: tuple[int, ...] = ()
    only: Collection[str] | None = None
    without: Collection[str] = ()

    def __post_init__(self) -> None:
        """Refuse one text where a collection of them belongs: its letters would be the values.

        Raises:
            DataContractError: If a condition is not of the type that it must have.
        """
        if not isinstance(self.where, Mapping):
            raise DataContractError(
                f"recommend: where: {self.where!r} maps no columns to values, such as {{'category': ['Shampoos']}}."
            )
        for column, values in self.where.items():
            _check_texts(f"where: column {column!r}", values)
        for name, ids in (("only", self.only), ("without", self.without)):
            if ids is not None:
                _check_texts(name, ids)
        if not isinstance(self.prefix, Sequence) or not all(isinstance(code, Integral) for code in self.prefix):
            raise DataContractError(f"recommend: prefix: {self.prefix!r} is no tuple of codes, such as (12, 7).")

    def allowed(self, sids: SidTable, index: ItemIndex, attributes: Attributes) -> npt.NDArray[np.bool_]:
        """The items that satisfy all conditions, (N,) bool.

        Args:
            sids: The SIDs of all items.
            index: Of the same items.
            attributes: Their columns.

        Raises:
            DataContractError: If a column, a value or a prefix does not exist, or no item of `only` does.
        """
        allowed = np.ones(len(sids.codes), bool)
        for column, values in self.where.items():
            allowed &= attributes.having(column, values)
        if self.prefix:
            allowed &= _under(sids, self.prefix)
        if self.only is not None:
            among = np.zeros_like(allowed)
            among[_known("only", self.only, index)] = True
            if self.only and not among.any():
                raise DataContractError(
                    f"recommend: only: none of {len(self.only)} items is in this release's catalogue, such as "
                    f"{next(iter(self.only))!r}. Give ids as the catalogue writes them."
                )
            allowed &= among
        allowed[_known("without", self.without, index)] = False
        return allowed


def _check_texts(name: str, values: object) -> None:
    if isinstance(values, str | bytes) or not isinstance(values, Collection):
        raise DataContractError(
            f"recommend: {name}: {values!r} is no collection of texts; give a list, such as [{str(values)!r}]."
        )
    wrong = [each for each in values if not isinstance(each, str)]
    if wrong:
        raise DataContractError(
            f"recommend: {name}: {len(wrong)} of {len(values)} values are not text, such as {wrong[0]!r}; give "
            f"{str(wrong[0])!r}."
        )


def _known(name: str, ids: Collection[str], index: ItemIndex) -> npt.NDArray[np.int64]:
    rows = index.known_rows(ids)
    if len(rows) < len(ids):
        unknown = len(ids) - len(rows)
        logger.info("recommend: %s: %d of %d items, which the release does not know, ignored", name, unknown, len(ids))
    return rows


def _under(sids: SidTable, prefix: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    written = "-".join(map(str, prefix))
    if len(prefix) > len(sids.sizes):
        raise DataContractError(f"recommend: prefix {written} has {len(prefix)} codes; SIDs have {len(sids.sizes)}.")
    under = np.asarray((sids.codes[:, : len(prefix)] == np.array(prefix)).all(1))
    if not under.any():
        raise DataContractError(
            f"recommend: no item's SID begins with {written}. Look prefixes up with `sidflow explain ITEM`."
        )
    return under
