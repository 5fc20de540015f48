"""Reasons in arrays say what reasons one by one say."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sidflow.decoder.reasons import NOTHING_SHARED, ItemTexts, reason, shared_prefixes
from sidflow.semantic_ids.table import SidTable

ITEMS, LEVELS = 12, 3


@st.composite
def tables(draw: st.DrawFn) -> SidTable:
    """SIDs of few codes, so that prefixes are shared, with topics or without."""
    rows = draw(st.lists(st.tuples(*[st.integers(0, 2)] * LEVELS), min_size=ITEMS, max_size=ITEMS))
    topics = tuple(tuple(f"t{k}.{level}" for level in range(LEVELS)) for k in range(ITEMS))
    ids = pa.array([f"i{k:02d}" for k in range(ITEMS)])
    return SidTable(ids, np.array(rows, np.int16), (3,) * LEVELS, topics if draw(st.booleans()) else None)


def explained(item: int, history: list[int], table: SidTable, titles: list[str], partner: int, followed: int) -> str:
    """The reason of one item: the newest of those history items that share most codes from the first on."""
    best, like = 0, -1
    for each in history:
        depth = 0
        while depth < LEVELS and table.codes[item, depth] == table.codes[each, depth]:
            depth += 1
        if depth >= best:
            best, like = depth, each
    return reason(item, best, like, partner, followed, table, titles)


@given(tables(), st.lists(st.lists(st.integers(0, ITEMS - 1), min_size=1, max_size=5), min_size=1, max_size=4))
def test_arrays_say_what_single_items_say(table: SidTable, histories: list[list[int]]) -> None:
    """For any SIDs and padded histories, every text equals that of a loop over the history."""
    titles = [f"[title] {k}" for k in range(ITEMS)]
    lengths = np.array([len(each) for each in histories])
    padded = np.zeros((len(histories), lengths.max()), np.int64)
    for row, each in zip(padded, histories, strict=True):
        row[: len(each)] = each
    items = np.tile(np.arange(ITEMS), (len(histories), 1))
    depths, like = shared_prefixes(items, padded, lengths, table.codes)
    texts = ItemTexts.of(table, pa.array(titles))
    partners = np.where(items % 3 == 0, padded[:, :1], -1)
    followed = np.where(items % 2 == 0, padded[np.arange(len(lengths)), lengths - 1][:, None], -1)
    arrays = pa.array(items.ravel()), depths.ravel(), pa.array(like.ravel()), partners.ravel(), followed.ravel()
    assert texts.reasons(*arrays).to_pylist() == [
        explained(
            item, history, table, titles, history[0] if item % 3 == 0 else -1, history[-1] if item % 2 == 0 else -1
        )
        for history in histories
        for item in range(ITEMS)
    ]


def test_sids_and_prefixes_are_written_out() -> None:
    """A SID joins its codes; a prefix names its topic."""
    table = SidTable(pa.array(["a"]), np.array([[12, 7]], np.int16), (16, 8), (("soap", "bar [soap]"),))
    texts = ItemTexts.of(table, pa.array(["Ivory"]))
    assert texts.sids.to_pylist() == ["12-7"]
    assert [each[0].as_py() for each in texts.prefixes] == ["12 (soap)", "12-7 (bar [soap])"]
    depths, own = np.array([2, 2, 0, 0, 0, 2]), pa.array([0] * 6)
    partners, followed = np.array([-1, 0, 0, -1, -1, -1]), np.array([-1, -1, 0, -1, 0, 0])
    assert texts.reasons(own, depths, own, partners, followed).to_pylist() == [
        "shares 12-7 (bar [soap]) with Ivory",
        "shares 12-7 (bar [soap]) with Ivory; often taken together with Ivory",
        "often taken together with Ivory",
        NOTHING_SHARED,
        "has followed Ivory",
        "shares 12-7 (bar [soap]) with Ivory; has followed Ivory",
    ]


def test_what_an_item_followed_is_said_behind_its_partner_and_once() -> None:
    """A partner that it followed too is only said to be taken together with it."""
    table = SidTable(pa.array(["a", "b"]), np.array([[1], [2]], np.int16), (3,), None)
    texts, own = ItemTexts.of(table, pa.array(["Ivory", "Dove"])), pa.array([0, 0])
    said = texts.reasons(own, np.array([0, 0]), own, np.array([0, 0]), np.array([1, 0])).to_pylist()
    assert said == ["often taken together with Ivory; has followed Dove", "often taken together with Ivory"]
    assert said == [reason(0, 0, 0, 0, followed, table, ["Ivory", "Dove"]) for followed in (1, 0)]
