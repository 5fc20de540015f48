"""Filters over a catalogue by hand."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.errors import DataContractError
from sidflow.recommender.attributes import CLOSE, Attributes
from sidflow.recommender.filters import Filters
from sidflow.recommender.lookup import ItemIndex
from tests.decoder.worlds import sids_of

SIDS = sids_of(np.array([[0, 1], [0, 2], [1, 0], [1, 3]]))
IDS, INDEX = SIDS.item_ids.to_pylist(), ItemIndex(SIDS.item_ids)


@pytest.fixture
def attributes(tmp_path: Path) -> Attributes:
    """A catalogue in another order, with an item more, a path of categories, and a gap."""
    table = {
        "item_id": [IDS[2], "more", IDS[0], IDS[1], IDS[3]],
        "category": ["Hair > Combs", "Soap", "Hair > Shampoo", "Soap|Bath", None],
        "year": [1995, 1, 1994, 1995, 1996],
        "sizes": [["S", "M"], [], None, ["S"], []],
    }
    pq.write_table(pa.table(table), tmp_path / "catalogue.parquet")
    return Attributes(tmp_path / "catalogue.parquet", SIDS.item_ids)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), [0, 1, 2, 3]),
        (Filters({"category": ["hair"]}), [0, 2]),
        (Filters({"category": ["Hair > Combs", "BATH"]}), [1, 2]),
        (Filters({"year": ["1995"]}), [1, 2]),
        (Filters({"year": ["1995"], "category": ["Hair"]}), [2]),
        (Filters(prefix=(0,)), [0, 1]),
        (Filters(prefix=(1, 3)), [3]),
        (Filters(only=[IDS[3], IDS[0]]), [0, 3]),
        (Filters(only=[]), []),
        (Filters(only=["younger", IDS[3]]), [3]),
        (Filters(without=[IDS[0], "x", "y"]), [1, 2, 3]),
        (Filters(prefix=(0,), without=[IDS[0]]), [1]),
        (Filters({"category": ["Hair"]}, prefix=(1,), only=[IDS[0]]), []),
    ],
)
def test_all_conditions_hold(attributes: Attributes, filters: Filters, expected: list[int]) -> None:
    """Whole texts and parts of them, whatever the case; prefixes; lists; all at once, down to nothing."""
    assert np.flatnonzero(filters.allowed(SIDS, INDEX, attributes)).tolist() == expected


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (
            Filters({"categroy": ["Hair"]}),
            "no column 'categroy'; allowed are category, year, sizes. Did you mean 'category'?",
        ),
        (Filters({"category": ["Shampo"]}), "no item has 'Shampo' in column 'category'. A value is a whole text"),
        (Filters({"category": ["Shampo"]}), "between > | ; , or /. Did you mean 'shampoo'?"),
        (Filters(prefix=(2,)), "no item's SID begins with 2. Look prefixes up"),
        (Filters(prefix=(0, 1, 0)), "prefix 0-1-0 has 3 codes; SIDs have 2"),
        (Filters({"sizes": ["S"]}), "column 'sizes' holds list<element: string>, which no value names; allowed are"),
        (Filters(only=["x", "y"]), "only: none of 2 items is in this release's catalogue, such as 'x'. Give ids as"),
    ],
)
def test_what_does_not_exist_is_an_error(attributes: Attributes, filters: Filters, message: str) -> None:
    """A mistyped filter would otherwise be an empty list."""
    with pytest.raises(DataContractError) as refused:
        filters.allowed(SIDS, INDEX, attributes)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"where": {"genres": "Comedy"}}, "where: column 'genres': 'Comedy' is no collection of texts; give a list, "
         "such as ['Comedy']"),
        ({"where": {"year": [1995]}}, "where: column 'year': 1 of 1 values are not text, such as 1995; give '1995'"),
        ({"where": {"year": 1995}}, "where: column 'year': 1995 is no collection of texts"),
        ({"where": [("year", ["1995"])]}, "where: [('year', ['1995'])] maps no columns to values, such as"),
        ({"only": "100"}, "only: '100' is no collection of texts; give a list, such as ['100']"),
        ({"without": "100"}, "without: '100' is no collection"),
        ({"without": ["100", 7]}, "without: 1 of 2 values are not text, such as 7; give '7'"),
        ({"prefix": "12"}, "prefix: '12' is no tuple of codes, such as (12, 7)"),
        ({"prefix": (1.5,)}, "prefix: (1.5,) is no tuple of codes"),
        ({"prefix": 12}, "prefix: 12 is no tuple of codes"),
    ],
)  # fmt: skip
def test_one_text_is_not_a_collection(conditions: dict[str, Any], message: str) -> None:
    """Its letters would be the values: refused when the filter is made."""
    with pytest.raises(DataContractError) as refused:
        Filters(**conditions)
    assert message in str(refused.value)


def test_unknown_items_are_counted_in_the_log(attributes: Attributes, caplog: pytest.LogCaptureFixture) -> None:
    """A stock list has items that are younger than the release; how many is said, and nothing where there are none."""
    with caplog.at_level(logging.INFO):
        Filters(only=IDS, without=[]).allowed(SIDS, INDEX, attributes)
        assert not caplog.messages
        Filters(only=[*IDS, "younger"], without=["x", "y"]).allowed(SIDS, INDEX, attributes)
    assert caplog.messages == [
        "recommend: only: 1 of 5 items, which the release does not know, ignored",
        "recommend: without: 2 of 2 items, which the release does not know, ignored",
    ]


def test_close_values_are_looked_for_among_few(tmp_path: Path) -> None:
    """Among thousands the search would hold all threads up; the value is refused all the same."""
    ids = [f"i{k:05d}" for k in range(CLOSE + 1)]
    titles = {"few": [f"title {k % 9}" for k in range(len(ids))], "many": [f"title {k}" for k in range(len(ids))]}
    pq.write_table(pa.table({"item_id": ids, **titles}), tmp_path / "catalogue.parquet")
    attributes = Attributes(tmp_path / "catalogue.parquet", pa.array(ids))
    for column, suggested in (("few", True), ("many", False)):
        with pytest.raises(DataContractError, match="no item has 'titel 1'") as refused:
            attributes.having(column, ["titel 1"])
        assert ("Did you mean 'title 1'?" in str(refused.value)) == suggested


def test_without_a_catalogue_there_are_no_columns() -> None:
    """Said so."""
    with pytest.raises(DataContractError, match="allowed are none"):
        Filters({"category": ["Hair"]}).allowed(SIDS, INDEX, Attributes(None, SIDS.item_ids))
