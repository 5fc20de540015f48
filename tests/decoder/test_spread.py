"""What a search can spread over, and how wide its beam must be for it."""

import numpy as np
import pytest

from sidflow.decoder.spread import Spread, is_count, prefix_numbers
from sidflow.decoder.trie import build_trie
from sidflow.errors import DataContractError


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf"), 1e-3, "1", None])
def test_a_temperature_that_no_logit_stands_is_refused(temperature: object) -> None:
    """Named with what is allowed."""
    with pytest.raises(DataContractError, match=r"temperatures \(1\.0, .*\); allowed are numbers from 0\.01 to 100,"):
        Spread((1.0, temperature))  # type: ignore[arg-type]


@pytest.mark.parametrize("temperatures", [2.0, "2", None])
def test_temperatures_are_a_sequence_of_numbers(temperatures: object) -> None:
    """One number is not one a level."""
    with pytest.raises(DataContractError, match="one a level, such as"):
        Spread(temperatures)  # type: ignore[arg-type]


@pytest.mark.parametrize("quota", [0, -1, 1.5, True, "2"])
def test_a_quota_below_one_is_refused(quota: object) -> None:
    """So is the length of its prefix."""
    with pytest.raises(DataContractError, match=f"quota {quota!r}; allowed is a whole number of 1 or more, or None"):
        Spread(quota=quota)  # type: ignore[arg-type]
    with pytest.raises(DataContractError, match=f"quota_level {quota!r}; allowed is a whole number from 1 to"):
        Spread(quota_level=quota)  # type: ignore[arg-type]


@pytest.mark.parametrize("spread", [Spread((1.0, 1.0, 1.0)), Spread(quota=1, quota_level=3)])
def test_more_levels_than_a_sid_has_are_refused(spread: Spread) -> None:
    """Two codes: two temperatures, and a prefix of one or two."""
    Spread((2.0, 2.0), 1, 2).check(2)
    with pytest.raises(
        DataContractError, match="SIDs have 2 codes, so that at most 2 temperatures and a quota_level of"
    ):
        spread.check(2)


@pytest.mark.parametrize(
    ("quota", "beam", "k", "expected"),
    [(None, 5, 10, (5, 5)), (3, 50, 50, (51, 3)), (3, 50, 10, (50, 12)), (1, 8, 8, (8, 1)), (9, 4, 6, (6, 6))],
)
def test_room_is_never_less_than_the_quota(quota: int | None, beam: int, k: int, expected: tuple[int, int]) -> None:
    """Fifty items at three a prefix need seventeen prefixes of three; a quota beyond k is none."""
    assert Spread((), quota).widen(beam, k) == expected


def test_prefixes_of_items() -> None:
    """Counted in SID order, at each length."""
    trie = build_trie(np.array([[1, 0], [0, 2], [1, 0], [1, 5]]))
    items = np.array([[0, 1], [2, 3]])
    assert prefix_numbers(trie, items, 1).tolist() == [[1, 0], [1, 1]]
    assert prefix_numbers(trie, items, 2).tolist() == [[1, 0], [1, 2]]


def test_counts_are_whole_numbers() -> None:
    """NumPy's too; truth values are none."""
    assert [is_count(each) for each in (1, np.int64(3), 0, 2.0, True, "1", None)] == [True, True] + [False] * 5
