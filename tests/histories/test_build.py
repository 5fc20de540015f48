"""Histories from segments, against a naive oracle."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.config import HistoriesConfig, InteractionsConfig
from sidflow.errors import DataContractError
from sidflow.histories import Histories, build_histories
from sidflow.interactions import write_segment
from sidflow.schemas import TIME
from sidflow.sources import list_sources
from tests.factories import histories_of, make_world, write_csv

LATE = 4_000_000_000_000_000
ITEMS = pa.array(["a", "b", "c", "d"])


def segment(path: Path, rows: list[tuple[Any, ...]], source: str = "s", order: Any = None) -> Path:
    """A segment file with rows (user, item, microseconds, order_0)."""
    users, items, times, orders = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    columns = {"user_id": pa.array(users, pa.string()), "item_id": pa.array(items, pa.string())}
    columns["timestamp"] = pa.array(times, pa.int64()).cast(TIME)
    if order is not None:
        columns["order_0"] = pa.array(orders, order)
    columns["row"] = pa.array(range(1, len(users) + 1), pa.int64())
    columns["source"] = pa.array([source] * len(users), pa.string()).dictionary_encode()
    pq.write_table(pa.table(columns), path)
    return path


def as_dict(histories: Histories) -> dict[str, list[tuple[str, int]]]:
    """Items and times by user."""
    ids = histories.item_ids.to_pylist()
    bounds = zip(histories.user_ids.to_pylist(), histories.offsets[:-1], histories.offsets[1:], strict=True)
    return {
        user: [(ids[i], int(t)) for i, t in zip(histories.items[a:b], histories.timestamps[a:b], strict=True)]
        for user, a, b in bounds
    }


def test_world(tmp_path: Path) -> None:
    """A whole world comes through unchanged, from CSV to histories."""
    world = make_world()
    source = list_sources(str(write_csv(world.interactions, tmp_path / "log.csv")))[0]
    write_segment(source, InteractionsConfig(), tmp_path)
    files = {"part-0.parquet": tmp_path / "rows.parquet", "rejects/part-0.parquet": tmp_path / "rejects.parquet"}
    histories, facts = build_histories(files, world.items["item_id"], HistoriesConfig(), LATE)
    expected = histories_of(world)
    for name in ("offsets", "items", "timestamps", "n_train", "n_validation"):
        np.testing.assert_array_equal(getattr(histories, name), getattr(expected, name))
        assert getattr(histories, name).dtype == getattr(expected, name).dtype
    assert histories.user_ids.to_pylist() == expected.user_ids.to_pylist()
    assert facts["users"] == 60 and facts["items"] == 40 and facts["test_targets"] == 60
    json.dumps(facts)


def test_order_and_facts(tmp_path: Path) -> None:
    """Users by the bytes of their ids, events by time, ties by source row; everything dropped is counted."""
    rows = [
        ("b", "a", 5, 0), ("b", "b", 3, 0), ("b", "c", 3, 0), ("b", "c", 3, 0),
        ("B", "d", 1, 0), ("B", "d", 2, 0), ("é", "a", 1, 0), ("b", "gone", 1, 0),
    ]  # fmt: skip
    histories, facts = build_histories([segment(tmp_path / "s", rows)], ITEMS, HistoriesConfig(), LATE)
    assert as_dict(histories) == {"B": [("d", 1), ("d", 2)], "b": [("b", 3), ("c", 3), ("a", 5)]}
    assert facts == {
        "users": 2,
        "items": 4,
        "events": 5,
        "items_with_events": 4,
        "train_events": 3,
        "validation_targets": 1,
        "test_targets": 1,
        "median_length": 2.5,
        "max_length": 3,
        "dropped": {
            "item not in the catalogue": 1,
            "repeat of the same user, item and time": 1,
            "item repeated in a row": 0,
            "user below min_user_events": 1,
            "item below min_item_events": 0,
        },
        "split": "last-out",
        "cut_us": None,
        "unknown_item_share": 0.125,
    }


@pytest.mark.parametrize(
    ("repeats", "items"), [("exact", "aabca"), ("consecutive", "abca"), ("keep", "aaabca")]
)  # a at 1 twice, a at 2
def test_repeats(tmp_path: Path, repeats: Any, items: str) -> None:
    """Each rule as it is stated."""
    rows = [("u", "a", 1, 0), ("u", "a", 1, 0), ("u", "a", 2, 0), ("u", "b", 3, 0), ("u", "c", 4, 0), ("u", "a", 5, 0)]
    config = HistoriesConfig(repeats=repeats)
    histories, _ = build_histories([segment(tmp_path / "s", rows)], ITEMS, config, LATE)
    assert "".join(item for item, _ in as_dict(histories)["u"]) == items


@pytest.mark.parametrize(
    ("kind", "values", "items"),
    [
        (pa.int64(), [10, 9, None, -1], "dbac"),
        (pa.float64(), [1.5, 1.25, 0.0, None], "cbad"),
        (pa.string(), ["10", "9", None, "a"], "abdc"),
    ],
)
def test_tie_breakers(tmp_path: Path, kind: Any, values: list[Any], items: str) -> None:
    """Ascending by their type, nulls last."""
    rows = [("u", item, 1, value) for item, value in zip("abcd", values, strict=True)]
    histories, _ = build_histories([segment(tmp_path / "s", rows, order=kind)], ITEMS, HistoriesConfig(), LATE)
    assert "".join(item for item, _ in as_dict(histories)["u"]) == items


def test_tie_breakers_of_different_types(tmp_path: Path) -> None:
    """9 sorts before 10 as a number and after it as text: there is no common order."""
    one = segment(tmp_path / "1", [("u", "a", 1, 9)], "x.csv", order=pa.int64())
    two = segment(tmp_path / "2", [("u", "b", 1, "z")], "y.csv", order=pa.string())
    with pytest.raises(
        DataContractError, match=r"tie-breaker order_0 .* x.csv int64, y.csv string; allowed is one type"
    ):
        build_histories([one, two], ITEMS, HistoriesConfig(), LATE)


def test_files_without_tie_breakers_go_with_any_type(tmp_path: Path) -> None:
    """A file of blank tie-breakers, or without a row, has no say in their type."""
    one = segment(tmp_path / "1", [("u", "a", 1, None)], "x.csv", order=pa.int64())
    two = segment(tmp_path / "2", [("u", "b", 1, "z"), ("u", "c", 1, "y")], "y.csv", order=pa.string())
    none = segment(tmp_path / "3", [], "z.csv", order=pa.float64())
    histories, _ = build_histories([one, none, two], ITEMS, HistoriesConfig(), LATE)
    assert [item for item, _ in as_dict(histories)["u"]] == ["c", "b", "a"]


ROW = st.tuples(st.sampled_from("uvw"), st.sampled_from("abcdx"), st.integers(0, 6), st.integers(0, 2))


def naive_histories(sources: list[list[tuple[Any, ...]]], as_of: int) -> dict[str, list[tuple[str, int]]]:
    """By sorting tuples and looking back."""
    flat = [(u, t, o, s, r, i) for s, rows in enumerate(sources) for r, (u, i, t, o) in enumerate(rows)]
    found: dict[str, list[tuple[str, int]]] = {}
    for user, time, *_, item in sorted(flat):
        if item != "x" and time < as_of and (item, time) not in found.get(user, []):
            found.setdefault(user, []).append((item, time))
    return {user: events for user, events in found.items() if len(events) >= 2}


@settings(max_examples=60)
@given(
    sources=st.lists(st.lists(ROW, max_size=12), min_size=1, max_size=3), as_of=st.integers(1, 7), random=st.randoms()
)
def test_equals_a_naive_sort_for_any_order_of_files(
    sources: list[list[tuple[Any, ...]]], as_of: int, random: random.Random, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The data alone decide: not the order of files, nor how many rows are read at a time."""
    folder = tmp_path_factory.mktemp("segments")
    paths = [segment(folder / str(9 - k), rows, f"{k}.csv", pa.int64()) for k, rows in enumerate(sources)]
    random.shuffle(paths)
    expected = naive_histories(sources, as_of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sidflow.histories.events._BLOCK_ROWS", random.choice([1, 3, 1000]))
        if not expected:
            with pytest.raises(DataContractError, match="no user is left"):
                build_histories(paths, ITEMS, HistoriesConfig(), as_of)
            return
        histories, _ = build_histories(paths, ITEMS, HistoriesConfig(), as_of)
    assert list(as_dict(histories).items()) == sorted(expected.items())


@settings(max_examples=60)
@given(
    rows=st.lists(ROW, min_size=1, max_size=30),
    later=st.lists(ROW, max_size=10),
    min_user=st.integers(1, 3),
    min_item=st.integers(1, 3),
)
def test_time_split_learns_the_same_whatever_follows(
    rows: list[tuple[Any, ...]], later: list[tuple[Any, ...]], min_user: int, min_item: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    """Changing events at or after the cut changes no training event: the k-core does not see them."""
    hour = 3_600_000_000
    config = HistoriesConfig(split="time", holdout="2h", min_user_events=min_user, min_item_events=min_item)
    folder = tmp_path_factory.mktemp("segments")
    trained = []
    anchor = [("zz", "z", 11 * hour, 0), *(("yy", "y", t, 0) for t in range(3))]  # someone new, someone known
    for name, tail in (("1", []), ("2", [(u, i, 10 * hour + t, o) for u, i, t, o in later])):
        path = segment(folder / name, [*rows, *tail, *anchor])
        histories, facts = build_histories([path], pa.array([*"abcdyz"]), config, 12 * hour)
        assert facts["cut_us"] == 10 * hour
        train = {u: e[:n] for (u, e), n in zip(as_dict(histories).items(), histories.n_train, strict=True) if n}
        trained.append(train)
    assert trained[0] == trained[1]


def test_a_holdout_that_takes_the_whole_log(tmp_path: Path) -> None:
    """Nothing could be learned: the message names the length of both."""
    day = 86_400_000_000
    path = segment(tmp_path / "s", [("u", "a", day, 0), ("u", "b", 4 * day, 0)])
    message = "none of 2 events is before the holdout of 7d, .* the log spans 3.0 days. Lower histories.holdout"
    with pytest.raises(DataContractError, match=message):
        build_histories([path], ITEMS, HistoriesConfig(split="time"), 5 * day)


def test_new_users_and_items_stay_after_the_cut(tmp_path: Path) -> None:
    """The k-core judges by events before the cut: it cannot judge who and what is new."""
    hour = 3_600_000_000
    rows = [("old", "a", 1, 0), ("old", "a", 2, 0), ("rare", "a", 3, 0), ("rare", "a", 11 * hour, 0)]
    rows += [("new", "b", 11 * hour, 0), ("old", "b", 11 * hour, 0)]
    config = HistoriesConfig(split="time", holdout="2h", min_user_events=2, min_item_events=2)
    histories, facts = build_histories([segment(tmp_path / "s", rows)], ITEMS, config, 12 * hour)
    assert as_dict(histories) == {"new": [("b", 11 * hour)], "old": [("a", 1), ("a", 2), ("b", 11 * hour)]}
    assert histories.n_train.tolist() == [0, 2] and histories.n_validation.tolist() == [0, 0]
    assert facts["test_targets"] == 1 and facts["dropped"]["user below min_user_events"] == 2


def test_nobody_left(tmp_path: Path) -> None:
    """The message counts what was dropped and says what to do."""
    path = segment(tmp_path / "s", [("u", "A", 1, 0), ("u", "B", 2, 0), ("v", "a", 2, 0)])
    message = (
        "no user is left of 3 interactions; dropped: item not in the catalogue 2, user below min_user_events 1. "
        "The k-core asks for users of histories.min_user_events=2 .* at most a user has 1 and an item 1 events"
    )
    with pytest.raises(DataContractError, match=message):
        build_histories([path], ITEMS, HistoriesConfig(), LATE)


def test_no_files() -> None:
    """Nothing in, nothing to build."""
    with pytest.raises(DataContractError, match="no user is left of 0 interactions; dropped: none"):
        build_histories([], ITEMS, HistoriesConfig(), LATE)


def test_progress_counts_files(tmp_path: Path) -> None:
    """One report a file."""
    paths = [segment(tmp_path / name, [("u", "a", int(name), 0)], name) for name in "12"]
    seen: list[tuple[int, int]] = []
    build_histories(paths, ITEMS, HistoriesConfig(), LATE, lambda *at: seen.append(at))
    assert seen == [(1, 2), (2, 2)]
