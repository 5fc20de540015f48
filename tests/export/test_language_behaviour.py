"""The behaviour corpus."""

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sidflow.export.language_behaviour import HOUR_US, SPLITS, Events, Feature, behaviour_lines, windows
from sidflow.histories.table import Histories
from tests.factories import make_histories

SIDS = [f"<a_{item}><b_0>" for item in range(40)]
PLAIN = Events(SIDS, [])


def one_user(items: list[int], hours: list[int], n_train: int, n_validation: int) -> Histories:
    """One user's history, times in hours."""
    return Histories(
        user_ids=pa.array(["u"]),
        offsets=np.array([0, len(items)]),
        items=np.array(items, np.int32),
        timestamps=np.array(hours) * HOUR_US,
        n_train=np.array([n_train], np.int32),
        n_validation=np.array([n_validation], np.int32),
        item_ids=pa.array([f"i{item}" for item in range(40)]),
    )


def test_lines_of_one_user() -> None:
    """Literal lines: context, separator, target; the validation line knows the training events, the test line all."""
    histories = one_user([3, 1, 4, 5, 9], [0, 2, 26, 27, 30], 3, 1)
    lines = {split: list(behaviour_lines(histories, split, Events(SIDS, [Feature("hours")]), 50)) for split in SPLITS}
    assert lines["train"] == [
        {
            "schema": "behaviour",
            "user_id": "u",
            "item_id": "i4",
            "timestamp": 26 * HOUR_US,
            "prompt": "wh = <a_3><b_0> 2 <a_1><b_0> 0 || ",
            "completion": "<a_4><b_0>",
        }
    ]
    assert [line["prompt"] + line["completion"] for line in lines["validation"] + lines["test"]] == [
        "wh = <a_3><b_0> 26 <a_1><b_0> 24 <a_4><b_0> 0 || <a_5><b_0>",
        "wh = <a_3><b_0> 27 <a_1><b_0> 25 <a_4><b_0> 1 <a_5><b_0> 0 || <a_9><b_0>",
    ]


def test_features_follow_each_sid() -> None:
    """In their order; an item without a text says nothing."""
    brands = ["" if item == 1 else f"brand {item}" for item in range(40)]
    histories = one_user([3, 1, 4], [0, 5, 9], 3, 0)
    features = [Feature("item", brands), Feature("event", ["buy", "", "view"]), Feature("hours")]
    (line,) = behaviour_lines(histories, "train", Events(SIDS, features), 50)
    assert line["prompt"] == "wh = <a_3><b_0> brand 3 buy 5 <a_1><b_0> 0 || "


def test_long_histories_are_cut_into_windows() -> None:
    """Seven training events with room for three: the newest window first, the oldest shorter."""
    assert list(windows("train", 7, 1, 9, 3)) == [(3, 6), (0, 3)]
    assert list(windows("train", 6, 1, 8, 3)) == [(2, 5), (0, 2)]
    assert list(windows("validation", 7, 1, 9, 3)) == [(4, 7)]
    assert list(windows("test", 7, 1, 9, 3)) == [(5, 8)]


def test_short_histories() -> None:
    """A target needs something before it; a user who appears in the holdout has no training line."""
    assert list(windows("train", 1, 0, 1, 3)) == []
    assert list(windows("train", 0, 0, 2, 3)) == []
    assert list(windows("validation", 0, 2, 4, 3)) == [(0, 1)]
    assert list(windows("test", 0, 2, 4, 3)) == [(0, 2), (0, 3)]
    assert list(windows("test", 0, 0, 1, 3)) == []


@given(st.integers(0, 40), st.integers(0, 4), st.integers(0, 4), st.integers(1, 12))
def test_every_step_is_in_exactly_one_training_line(learnt: int, validated: int, tested: int, room: int) -> None:
    """And no training line reaches past the training events; every measured event is the target of one line."""
    length = learnt + validated + tested
    steps = Counter[int]()
    for begin, target in windows("train", learnt, validated, length, room):
        assert 0 <= begin < target < learnt
        assert target - begin <= room
        steps.update(range(begin + 1, target + 1))
    assert steps == Counter(range(1, learnt))
    measured = [
        target for split in ("validation", "test") for _, target in windows(split, learnt, validated, length, room)
    ]
    assert measured == [event for event in range(learnt, length) if event > 0]


def test_training_lines_never_show_what_is_measured() -> None:
    """With every event an item of its own, no validation or test item is anywhere in the training lines."""
    rng = np.random.default_rng(0)
    made = make_histories(users=30, items=40)
    histories = Histories(
        made.user_ids,
        made.offsets,
        rng.permutation(len(made.items)).astype(np.int32),
        made.timestamps,
        made.n_train,
        made.n_validation,
        pa.array([f"i{event}" for event in range(len(made.items))]),
    )
    sids = [f"<a_{event}>" for event in range(len(made.items))]
    text = " ".join(
        line["prompt"] + line["completion"] for line in behaviour_lines(histories, "train", Events(sids, []), 5)
    )
    for user in range(30):
        start, stop = histories.offsets[user], histories.offsets[user + 1]
        learnt = histories.items[start : start + histories.n_train[user]]
        measured = histories.items[start + histories.n_train[user] : stop]
        assert len(learnt) < 2 or all(f"<a_{item}>" in text for item in learnt)
        assert not any(f"<a_{item}>" in text for item in measured)


def test_users_are_read_block_by_block() -> None:
    """Lines come while users are still to be read: the first one costs no more than one block."""
    histories = make_histories(users=60)
    first = next(iter(behaviour_lines(histories, "train", PLAIN, 50)))
    assert first["user_id"] == "u00000"
    assert [line["user_id"] for line in behaviour_lines(histories, "test", PLAIN, 50)] == histories.user_ids.to_pylist()
