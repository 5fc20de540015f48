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
