"""Lengths of time as people write them."""

import pytest

from sidflow.durations import duration_us
from sidflow.errors import ConfigError

MINUTE = 60_000_000


@pytest.mark.parametrize(
    ("text", "minutes"), [("30min", 30), ("1h", 60), ("36h", 2_160), ("7d", 7 * 1_440), ("4w", 28 * 1_440)]
)
def test_durations(text: str, minutes: int) -> None:
    """Minutes, hours, days and weeks."""
    assert duration_us(text) == minutes * MINUTE


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-1d", "7m", "1.5d", "²d", "7d ", "7d\n"])
def test_bad_durations(text: str) -> None:
    """The message shows the form; 7m could be months."""
    with pytest.raises(ConfigError, match=r"duration .* such as 30min, 12h, 7d or 4w"):
        duration_us(text)


@pytest.mark.parametrize("text", ["5219w", "99999999999w", "9" * 400 + "d"])
def test_more_than_a_hundred_years_is_refused(text: str) -> None:
    """It would overflow where microseconds are counted."""
    with pytest.raises(ConfigError, match=r"longer than the allowed 100 years \(5218w\)"):
        duration_us(text)
    assert duration_us("5218w") == 5218 * 7 * 86_400_000_000
