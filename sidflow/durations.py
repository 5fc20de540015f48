"""Lengths of time as people write them."""

import re

from sidflow.errors import ConfigError

PATTERN = r"[1-9][0-9]*(min|h|d|w)"
_MINUTE_US = 60_000_000
_UNITS_US = {"min": _MINUTE_US, "h": 60 * _MINUTE_US, "d": 24 * 60 * _MINUTE_US, "w": 7 * 24 * 60 * _MINUTE_US}
LONGEST_US = 5_218 * _UNITS_US["w"]
_DIGITS = 12


def duration_us(text: str) -> int:
    """A length such as 30min, 12h, 7d or 4w in microseconds.

    Raises:
        ConfigError: If it is not of that form, or longer than 100 years.
    """
    match = re.fullmatch(PATTERN, text)
    if match is None:
        raise ConfigError(f"duration {text!r}: not of the form <number><min|h|d|w>, such as 30min, 12h, 7d or 4w.")
    unit = match[1]
    number = text.removesuffix(unit)
    length = int(number) * _UNITS_US[unit] if len(number) < _DIGITS else LONGEST_US + 1
    if length > LONGEST_US:
        raise ConfigError(f"duration {text[:40]!r}: longer than the allowed 100 years (5218w); null lifts a condition.")
    return length
