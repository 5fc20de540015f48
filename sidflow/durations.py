"""Lengths of time as people write them."""

import re

from sidflow.errors import ConfigError

PATTERN = r"[1-9][0-9]*(min|h|d|w)"
_MINUTE_US = 60_000_000
_UNITS_US = {"min": _MINUTE_US, "h": 60 * _MINUTE_US, "d": 24 * 60 * _MINUTE_US, "w": 7 * 24 * 60 * _MINUTE_US}


def duration_us(text: str) -> int:
    """A length such as 30min, 12h, 7d or 4w in microseconds.

    Raises:
        ConfigError: If it is not of that form.
    """
    match = re.fullmatch(PATTERN, text)
    if match is None:
        raise ConfigError(f"duration {text!r}: not of the form <number><min|h|d|w>, such as 30min, 12h, 7d or 4w.")
    unit = match[1]
    return int(text.removesuffix(unit)) * _UNITS_US[unit]
