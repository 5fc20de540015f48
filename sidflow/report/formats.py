"""How numbers and texts are written in a report."""

import math
import unicodedata
from typing import Any

NONE = "-"


def count(value: float | None) -> str:
    """A whole number with thousands separated: 12,101."""
    return NONE if value is None else f"{value:,.0f}"


def share(value: float | None, digits: int = 1) -> str:
    """A share as per cent: 12.3%."""
    return NONE if value is None else f"{value:.{digits}%}"


def decimal(value: float | None, digits: int = 4) -> str:
    """A number with fixed digits, so that columns align: 0.0815."""
    return NONE if value is None else f"{value:.{digits}f}"


def interval(low_high: Any, digits: int = 4) -> str:
    """A confidence interval: 0.0780 to 0.0852."""
    return NONE if low_high is None else f"{low_high[0]:.{digits}f} to {low_high[1]:.{digits}f}"


def seconds(value: float) -> str:
    """A duration: 4 ms, 12.3 s, 7 min 42 s, 2 h 5 min."""
    if value < 0.1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(value: float) -> str:
    """A number of bytes: 3.5 MB (decimal units)."""
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


def anything(value: Any) -> str:
    """A gate's observation or limit, whatever it is."""
    if value is None:
        return NONE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if math.isfinite(value) and float(value).is_integer():
        return count(value)
    return f"{value:.4g}"


def shorten(text: str, width: int) -> str:
    """At most `width` characters on one line, without control characters; an ellipsis says that it was cut."""
    one_line = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    one_line = " ".join(one_line.split())
    return one_line if len(one_line) <= width else one_line[: width - 1].rstrip() + "…"


def figure_text(text: str, width: int = 70) -> str:
    """Text of the data for a figure: plotly reads a subset of HTML in labels, so markup is made harmless."""
    return shorten(text, width).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
