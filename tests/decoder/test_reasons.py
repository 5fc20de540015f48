"""Reasons in arrays say what reasons one by one say."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sidflow.decoder.reasons import NOTHING_SHARED, ItemTexts, explain_item, shared_prefixes
from sidflow.semantic_ids.table import SidTable

ITEMS, LEVELS = 12, 3


@st.composite
def tables(draw: st.DrawFn) -> SidTable:
    """SIDs of few codes, so that prefixes are shared, with topics or without."""
    rows = draw(st.lists(st.tuples(*[st.integers(0, 2)] * LEVELS), min_size=ITEMS, max_size=ITEMS))
    topics = tuple(tuple(f"t{k}.{level}" for level in range(LEVELS)) for k in range(ITEMS))
    ids = pa.array([f"i{k:02d}" for k in range(ITEMS)])
    return SidTable(ids, np.array(rows, np.int16), (3,) * LEVELS, topics if draw(st.booleans()) else None)


@given(tables(), st.lists(st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=5), min_size=1, max_size=4))
def test_arrays_say_what_single_items_say(table: SidTable, histories: list[list[int]]) -> None:
    """For any SIDs and padded histories, every text equals `explain_item`'s."""
    titles = [f"[title] {k}" for k in range(ITEMS)]
    lengths = np.array([len(each) for each in histories])
    padded = np.zeros((len(histories), lengths.max()), np.int64)
    for row, each in zip(padded, histories, strict=True):
        row[: len(each)] = each
    items = np.tile(np.arange(ITEMS), (len(histories), 1))
    depths, like = shared_prefixes(items, padded, lengths, table.codes)
    texts = ItemTexts.of(table, pa.array(titles))
    partners = np.where(items % 3 == 0, padded[:, :1], -1)
    arrays = pa.array(items.ravel()), depths.ravel(), pa.array(like.ravel()), partners.ravel()
    assert texts.reasons(*arrays).to_pylist() == [
        explain_item(item, np.array(history), table, titles, history[0] if item % 3 == 0 else -1)
        for history in histories
        for item in range(ITEMS)
    ]


def test_sids_and_prefixes_are_written_out() -> None:
    """A SID joins its codes; a prefix names its topic."""
    table = SidTable(pa.array(["a"]), np.array([[12, 7]], np.int16), (16, 8), (("soap", "bar [soap]"),))
    texts = ItemTexts.of(table, pa.array(["Ivory"]))
    assert texts.sids.to_pylist() == ["12-7"]
    assert [each[0].as_py() for each in texts.prefixes] == ["12 (soap)", "12-7 (bar [soap])"]
    said = texts.reasons(pa.array([0, 0]), np.array([2, 0]), pa.array([0, 0]), np.array([-1, 0])).to_pylist()
    assert said == [
        "shares 12-7 (bar [soap]) with Ivory",
        f"{NOTHING_SHARED}; often taken together with Ivory",
    ]
