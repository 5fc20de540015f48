"""Counts brought up to date equal a full count, whatever changed."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.config.learning import PairsConfig
from sidflow.histories.table import Histories
from sidflow.pairs import incremental
from sidflow.pairs.base import load_base, save_base
from sidflow.pairs.count import count_pairs
from sidflow.pairs.incremental import Base, counts_of, join_counts, update_counts
from sidflow.pairs.log import Log, recent_log
from sidflow.pairs.mine import mine_pairs
from tests.factories import histories_of, make_world
from tests.pairs.naive import packed

DAY = 86_400_000_000
Events = dict[str, list[tuple[int, str]]]
users = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from("mnopqr")), max_size=8).map(sorted),
)


def log_of(events: Events, gap: int | None) -> tuple[pa.Array, pa.Array, Log]:
    """Users and items as the pipeline numbers them, ascending by id; only items that occur are in the catalogue."""
    ids = sorted({item for history in events.values() for _, item in history})
    names = sorted(events)
    offsets, items = packed([[ids.index(item) for _, item in events[name]] for name in names])
    times = np.array([day * DAY for name in names for day, _ in events[name]], np.int64)
    log = recent_log(offsets, items, times, 6, 3, gap and gap * DAY)
    return pa.array(names, pa.string()), pa.array(ids, pa.string()), log


def base_of(events: Events, gap: int | None = None) -> Base:
    """Counted from nothing."""
    user_ids, item_ids, log = log_of(events, gap)
    return join_counts(user_ids, item_ids, log, [count_pairs(log, len(item_ids))])


def rows(base: Base) -> list[list[int]]:
    """Keys and support."""
    return [base.keys.tolist(), base.support.tolist()]


@settings(deadline=None, max_examples=200)
@given(users, users, st.sampled_from([None, 5]))
def test_an_update_equals_a_full_count(before: Events, after: Events, gap: int | None):
    """Users and items come, go and change; a third of the users stay as they are."""
    after |= {name: history for name, history in before.items() if name in "adg"}
    whole = base_of(after, gap)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(incremental, "RECOUNT_SHARE", 1.0)
        updated = update_counts(base_of(before, gap), *log_of(after, gap))
    assert updated is not None and rows(updated) == rows(whole)
    for least in (1, 2):
        found, expected = counts_of(updated, least), count_pairs(whole.log, len(whole.item_ids), least)
        assert all(np.array_equal(x, y) for x, y in zip(found, expected, strict=True))


def test_only_changed_users_are_counted(caplog: pytest.LogCaptureFixture):
    """One of ten users has news: three of 21 events are looked at."""
    before: Events = {name: [(1, "m"), (2, "n")] for name in "abcdefghij"}
    after = before | {"c": [(1, "m"), (2, "n"), (3, "o")]}
    with caplog.at_level("INFO"):
        updated = update_counts(base_of(before), *log_of(after, None))
    assert updated is not None and rows(updated) == rows(base_of(after))
    assert "1 of 10 histories changed; 3 of 21 events counted again" in caplog.text


def test_too_much_news_is_a_recount():
    """More than three tenths of the events."""
    before: Events = {"a": [(1, "m"), (2, "n")], "b": [(1, "m")]}
    assert update_counts(base_of(before), *log_of({"a": [(1, "n")], "b": [(1, "m")]}, None)) is None


def test_a_saved_base_is_the_same(tmp_path: Path):
    """Arrays, ids and window; under other settings there is none."""
    base = base_of({"a": [(1, "m"), (2, "n")], "b": [(1, "m"), (9, "n")]}, gap=5)
    save_base(base_of({"z": [(1, "m")]}), tmp_path, "old")
    save_base(base, tmp_path, "w3")
    found = load_base(tmp_path, "w3")
    assert found is not None and rows(found) == rows(base) and found.log.window == 3
    assert all(np.array_equal(x, y) for x, y in zip(found.log, base.log, strict=True))
    assert (found.user_ids.to_pylist(), found.item_ids.to_pylist()) == (["a", "b"], ["m", "n"])
    assert load_base(tmp_path, "w4") is None
    assert len([each for each in tmp_path.iterdir() if each.is_dir()]) == 1


@pytest.mark.parametrize("size", [0, 3, 100])
@pytest.mark.parametrize("name", ["base.json", "keys.npy", "user_ids.arrow"])
def test_a_broken_base_is_none(tmp_path: Path, name: str, size: int):
    """Empty, cut off or gone: an accelerator that is not there, and that can be saved anew."""
    base = base_of({"a": [(1, "m"), (2, "n")]})
    save_base(base, tmp_path, "w")
    (victim,) = tmp_path.rglob(name)
    os.truncate(victim, size)
    assert load_base(tmp_path, "w") is None
    save_base(base, tmp_path, "w")
    assert load_base(tmp_path, "w") is not None
    (victim,) = tmp_path.rglob(name)
    victim.unlink()
    assert load_base(tmp_path, "w") is None


def test_a_changed_byte_is_noticed(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """One count that is off would be wrong rows for ever."""
    save_base(base_of({"a": [(1, "m"), (2, "n")]}), tmp_path, "w")
    (victim,) = tmp_path.rglob("support.npy")
    content = bytearray(victim.read_bytes())
    content[-4] ^= 2
    victim.write_bytes(content)
    assert load_base(tmp_path, "w") is None
    assert "are damaged; counting from nothing" in caplog.text


@pytest.mark.parametrize("note", ["[]", "null", "3", '{"format": 2, "settings": "w", "attempt": null}'])
def test_a_note_of_another_kind_is_none(tmp_path: Path, note: str):
    """JSON, but nothing that was saved."""
    (tmp_path / "base.json").write_text(note)
    assert load_base(tmp_path, "w") is None


def test_runs_that_save_at_once_do_not_disturb_each_other(tmp_path: Path):
    """Four threads, twenty saves each: none fails, and what is there in the end is whole."""
    base = base_of({"a": [(1, "m"), (2, "n")]})
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: save_base(base, tmp_path, "w"), range(80)))
    found = load_base(tmp_path, "w")
    assert found is not None and rows(found) == rows(base)


def test_left_overs_of_killed_runs_go(tmp_path: Path):
    """After a day, not before: another run may be writing."""
    for name, age in (("fresh", 0), ("stale", 100_000)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    save_base(base_of({"a": [(1, "m"), (2, "n")]}), tmp_path, "w")
    assert (tmp_path / "fresh").exists() and not (tmp_path / "stale").exists()


def test_half_lives_set_it_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    """Every count would change with the date; the log says so."""
    config = {"dask": {"workers": 0}, "incremental": True, "age_half_life": "30d"}
    mine_pairs(histories_of(make_world(users=30, items=20)), PairsConfig.model_validate(config), cache=tmp_path)
    assert "incremental is set aside" in caplog.text and not any(tmp_path.iterdir())


def shortened(histories: Histories, share: float) -> Histories:
    """The same histories with the last training event of some users not there yet."""
    n_train = histories.n_train.copy()
    n_train[:: int(1 / share)] -= 1
    return Histories(**{**vars(histories), "n_train": np.maximum(n_train, 1)})


def test_the_stage_gives_the_same_rows_with_a_cache(tmp_path: Path):
    """Yesterday's log, then today's: the same pairs and facts as from nothing, and the second run counts few users."""
    today = histories_of(make_world(users=500, items=60, topics=4, seed=5))
    plain = PairsConfig.model_validate({"dask": {"workers": 0}})
    kept = plain.model_copy(update={"incremental": True})
    for each in (shortened(today, 0.05), today):
        expected, facts = mine_pairs(each, plain)
        found, found_facts = mine_pairs(each, kept, cache=tmp_path)
        assert json.dumps(facts) == json.dumps(found_facts)
        for name, column in vars(expected).items():
            assert np.array_equal(column, getattr(found, name)), name
