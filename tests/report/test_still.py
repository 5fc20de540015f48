"""Small pictures of figures."""

import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from sidflow.errors import ConfigError
from sidflow.report import Report, draw_still
from sidflow.report.blocks import Figure, axes
from sidflow.report.palette import LIGHT


def drawn(figure: Figure) -> np.ndarray:
    """The picture's pixels, (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(draw_still(figure))).convert("RGB"))


def has_colour(pixels: np.ndarray, name: str) -> bool:
    """Whether a colour of the palette is in the picture, about."""
    wanted = [int(LIGHT[name][at : at + 2], 16) for at in (1, 3, 5)]
    return bool((np.abs(pixels.astype(int) - wanted).max(axis=2) < 12).sum() > 20)


def test_every_flat_figure_has_a_small_picture(report: Report) -> None:
    """All but the sunburst, each below 60 kB and not empty; matplotlib's global state is left alone."""
    backend = matplotlib.rcParams["backend"]
    for figure in report.figures.values():
        if figure.name != "prefix-sunburst":
            content = draw_still(figure)
            assert len(content) < 60_000, figure.name
            assert len(np.unique(drawn(figure).reshape(-1, 3), axis=0)) > 20, figure.name
    assert matplotlib.rcParams["backend"] == backend


def test_a_sunburst_has_none(report: Report) -> None:
    """The message says which kinds have one."""
    with pytest.raises(ConfigError, match="no picture of a sunburst; allowed: scatter, bar"):
        draw_still(report.figures["prefix-sunburst"])


@pytest.mark.parametrize("barmode", ["group", "stack"])
def test_bars_are_drawn_in_their_colours(barmode: str) -> None:
    """Two series side by side, or on top of one another."""
    data = [
        {"type": "bar", "name": name, "x": ["a", "b"], "y": [2, 1], "marker": {"color": colour}}
        for name, colour in (("one", "--series-1"), ("two", "--series-2"))
    ]
    pixels = drawn(Figure("x", "Title", "", "", data, axes("x", "y", barmode=barmode)))
    assert has_colour(pixels, "--series-1")
    assert has_colour(pixels, "--series-2")


def test_text_of_the_data_is_text() -> None:
    """A dollar sign in a topic begins no formula: this one would be an error, and the lines would not be drawn."""
    data = [
        {"type": "scatter", "mode": "lines", "name": name, "x": [1, 2], "y": [1, 2], "line": {"color": "--series-3"}}
        for name in ("$\\frac{1}{0$", "a &lt;b&gt; {0}")
    ]
    assert has_colour(drawn(Figure("x", "$\\frac{", "", "", data, axes("$\\frac{", "y"))), "--series-3")


def test_a_log_axis_has_plain_numbers() -> None:
    """Ticks are numbers, not formulas that were switched off."""
    data = [{"type": "scatter", "mode": "lines", "x": [1, 2], "y": [0.001, 10.0], "line": {"color": "--series-1"}}]
    assert has_colour(drawn(Figure("x", "Title", "", "", data, axes("x", "y", yaxis={"type": "log"}))), "--series-1")
