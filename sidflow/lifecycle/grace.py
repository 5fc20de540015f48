"""How long what was written or used lately is spared."""

import re
from datetime import timedelta

from sidflow.errors import ConfigError

_UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_grace(text: str) -> timedelta:
    """A period such as 0h, 90min, 24h or 7d.

    Raises:
        ConfigError: If it is not of that form.
    """
    match = re.fullmatch(r"(\d{1,6})(min|h|d|w)", text)
    if match is None:
        raise ConfigError(f"--grace {text}: not a period; allowed: a number and min, h, d or w, such as 0h, 24h or 7d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
