"""What training refuses, and what it passes over."""

from dataclasses import replace

import numpy as np
import pytest

from sidflow.dataset.build import Dataset
from sidflow.decoder.checks import check_finite, check_training
from sidflow.decoder.fit import train_decoder
from sidflow.errors import DataContractError, ShapeError
from sidflow.histories.table import Histories
from tests.decoder.worlds import SMALL, histories_by_hand, planted_dataset, sids_of

CODES = np.array([[0, 0], [0, 1], [1, 0]])
CONTENT = np.eye(3, 4, dtype=np.float32)


def dataset(histories: Histories) -> Dataset:
    """Histories over three items."""
    return Dataset(histories, sids_of(CODES))


@pytest.mark.parametrize("rows", [[[0], [1]], [[], []], []])
def test_nothing_to_learn_is_told(rows: list[list[int]]) -> None:
    """One event each, none at all, no users: no next item."""
    histories = histories_by_hand(rows, [len(row) for row in rows], [0] * len(rows), 3)
    with pytest.raises(DataContractError, match=f"none of {len(rows)} users has two training events"):
        train_decoder(dataset(histories), CONTENT, SMALL, 10)


def test_empty_histories_are_passed_over() -> None:
    """Users without events, or with held-out ones only, change no position."""
    few = histories_by_hand([[0, 1, 2], [1, 2, 0]], [3, 2], [0, 1], 3)
    more = histories_by_hand([[], [0, 1, 2], [2], [1, 2, 0], []], [0, 3, 0, 2, 0], [0, 0, 1, 1, 0], 3)
    one, two = (train_decoder(dataset(each), CONTENT, SMALL, 10) for each in (few, more))
    assert one.facts["positions"] == two.facts["positions"] == 3 * SMALL.epochs
    assert one.facts["validation_users"] == two.facts["validation_users"] == 1


@pytest.mark.parametrize("item", [3, -1, 2**31 - 1])
def test_an_unknown_item_is_told(item: int) -> None:
    """An event beyond the catalogue names its user and place, in whichever part it lies."""
    histories = histories_by_hand([[0, 1], [], [2, item, 0]], [2, 0, 1], [0, 0, 1], 3)
    message = rf"event 1 of user 'u2' is item {item}, but the catalogue has items 0 to 2.*--refresh histories"
    with pytest.raises(DataContractError, match=message):
        train_decoder(dataset(histories), CONTENT, SMALL, 10)


def test_sids_of_another_catalogue_are_told() -> None:
    """A SID table of other items, or of the same in another order, never meets these histories."""
    histories = histories_by_hand([[0, 1, 2]], [3], [0], 3)
    other = sids_of(CODES, sids_of(CODES).item_ids.take([2, 1, 0]))
    with pytest.raises(DataContractError, match="they are not the same in the same order"):
        Dataset(histories, other)


def test_foreign_vectors_are_refused() -> None:
    """Content vectors of another catalogue do not train."""
    world, vectors = planted_dataset()
    with pytest.raises(ShapeError, match=r"got content vectors of shape \(39, 16\), expected \(40, 16\)"):
        train_decoder(world, vectors[1:], SMALL, 10)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_content_that_is_no_number_is_told(value: float) -> None:
    """Of an item that nobody had, too: it would stand in everybody's list."""
    histories = histories_by_hand([[0, 1, 0, 1]], [4], [0], 3)
    broken = CONTENT.copy()
    broken[2, 1] = value
    with pytest.raises(DataContractError, match=r"content vector of item 2 is not finite \(1 such .*items 0 to 2\)"):
        check_training(dataset(histories), broken)


def test_content_is_read_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The item is named by its place in the whole."""
    monkeypatch.setattr("sidflow.decoder.checks.CHUNK", 2)
    broken = np.zeros((5, 2))
    broken[4] = np.nan
    with pytest.raises(DataContractError, match=r"item 4 is not finite \(1 such among items 4 to 4\)"):
        check_finite(broken)


def test_timestamps_are_never_looked_at() -> None:
    """Order is all that counts."""
    histories = histories_by_hand([[0, 1, 2]], [3], [0], 3)
    check_training(dataset(replace(histories, timestamps=histories.timestamps[::-1])), CONTENT)
