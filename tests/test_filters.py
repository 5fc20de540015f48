"""Filters over a catalogue by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sidflow.errors import DataContractError
from sidflow.recommender.filters import Attributes, Filters
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
        (Filters({"categroy": ["Hair"]}), "no column 'categroy'; allowed are category, year. Did you mean 'category'?"),
        (Filters({"category": ["Shampo"]}), "no item has 'Shampo' in column 'category'. A value is a whole text"),
        (Filters({"category": ["Shampo"]}), "between > | ; , or /. Did you mean 'shampoo'?"),
        (Filters(prefix=(2,)), "no item's SID begins with 2. Look prefixes up"),
        (Filters(prefix=(0, 1, 0)), "prefix 0-1-0 has 3 codes; SIDs have 2"),
        (Filters(only=["x"]), "only: 1 of 1 items are not in this release's catalogue: 'x'"),
        (Filters(without=[IDS[0], "x", "y"]), "without: 2 of 3 items are not in this release's catalogue: 'x', 'y'"),
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


def test_without_a_catalogue_there_are_no_columns() -> None:
    """Said so."""
    with pytest.raises(DataContractError, match="allowed are none"):
        Filters({"category": ["Hair"]}).allowed(SIDS, INDEX, Attributes(None, SIDS.item_ids))
