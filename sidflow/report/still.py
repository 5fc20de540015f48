"""A figure of a report as a small picture, for places that show images and no scripts."""

import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sidflow.errors import ConfigError
from sidflow.report.blocks import Figure
from sidflow.report.palette import LIGHT

INCHES, DPI = (7.6, 4.2), 100
MARKERS = {"circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "cross": "P", "triangle-down": "v",
           "x": "X", "pentagon": "p"}  # fmt: skip
DASHES = {"dot": ":", "dash": "--"}


def draw_still(figure: Figure) -> bytes:
    """A PNG on white of a figure made of lines, points or bars.

    Raises:
        ConfigError: If the figure is of another kind, such as a sunburst.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    if unknown := {each["type"] for each in figure.data} - {"scatter", "bar"}:
        raise ConfigError(f"figure {figure.name}: no picture of a {', '.join(unknown)}; allowed: scatter, bar.")
    canvas = Canvas(figsize=INCHES, dpi=DPI, facecolor=LIGHT["--paper"], layout="constrained")
    FigureCanvasAgg(canvas)
    axes = canvas.add_subplot()
    _traces(axes, figure.data, figure.layout.get("barmode"))
    _dress(axes, figure)
    content = io.BytesIO()
    canvas.savefig(content, format="png")
    return _fewer_colours(content.getvalue())


def _traces(axes: Any, data: Sequence[Mapping[str, Any]], barmode: str | None) -> None:
    bars = [each for each in data if each["type"] == "bar"]
    labels = list(dict.fromkeys(label for each in bars for label in each["y" if _is_lying(each) else "x"]))
    heaped: dict[Any, float] = dict.fromkeys(labels, 0.0)
    width = 0.8 / len(bars) if barmode == "group" else 0.8
    for number, trace in enumerate(bars):
        names, values = (trace["y"], trace["x"]) if _is_lying(trace) else (trace["x"], trace["y"])
        shift = (number - (len(bars) - 1) / 2) * width if barmode == "group" else 0.0
        places = [labels.index(name) + shift for name in names]
        base = [heaped[name] for name in names] if barmode == "stack" else [0.0] * len(names)
        style = {"color": _colour(trace["marker"]["color"]), "label": _text(trace.get("name"))}
        draw = axes.barh if _is_lying(trace) else axes.bar
        draw(places, values, width, base, **style, **_errors(trace))
        heaped.update({name: heaped[name] + value for name, value in zip(names, values, strict=True)})
    if bars:
        _ticks(axes, labels, _is_lying(bars[0]))
    for trace in data:
        if trace["type"] == "scatter":
            _line(axes, trace)


def _line(axes: Any, trace: Mapping[str, Any]) -> None:
    marker, line, mode = trace.get("marker", {}), trace.get("line", {}), trace.get("mode", "lines")
    y = np.array([np.nan if each is None else each for each in trace["y"]], float)
    axes.plot(
        trace["x"],
        y,
        color=_colour(line.get("color") or marker["color"]),
        linestyle=DASHES.get(line.get("dash", ""), "-") if "lines" in mode else "none",
        linewidth=line.get("width", 1),
        drawstyle="steps-mid" if line.get("shape") == "hvh" else "default",
        marker=MARKERS[marker.get("symbol", "circle")] if "markers" in mode else "",
        markersize=3.5,
        markeredgewidth=0,
        alpha=marker.get("opacity", 1.0),
        label=_text(trace.get("name")),
    )


def _dress(axes: Any, figure: Figure) -> None:
    """Title, axes and legend in the page's manner."""
    from matplotlib.text import Text

    axes.set_title(figure.title, loc="left", fontsize=11, color=LIGHT["--ink"])
    for side, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        style = figure.layout.get(f"{side}axis", {})
        axis.set_visible(style.get("visible", True))
        axis.set_label_text(style.get("title", {}).get("text", ""))
        if style.get("type") == "log":
            getattr(axes, f"set_{side}scale")("log")
            axis.set_major_formatter("{x:g}")
        if "range" in style and style.get("type") != "log":
            getattr(axes, f"set_{side}lim")(*style["range"])
        if style.get("rangemode") == "tozero":
            axes.set_ylim(bottom=0)
        if "scaleanchor" in style:
            axes.set_aspect("equal", adjustable="datalim")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[:].set_color(LIGHT["--line"])
    axes.tick_params(colors=LIGHT["--muted"], labelsize=9)
    if sum(each.get("name") is not None for each in figure.data) > 1:
        axes.legend(frameon=False, fontsize=8, markerscale=1.5)
    for text in axes.get_figure().findobj(Text):
        text.set_parse_math(False)  # a dollar sign in a topic is a dollar sign


def _ticks(axes: Any, labels: list[Any], lying: bool) -> None:
    step = max(1, len(labels) // 12)
    shown = [f"{each:.3g}" if isinstance(each, float) else str(each) for each in labels[::step]]
    (axes.set_yticks if lying else axes.set_xticks)(range(0, len(labels), step), shown)


def _errors(trace: Mapping[str, Any]) -> dict[str, Any]:
    bars = trace.get("error_y")
    style = {"ecolor": LIGHT["--ink"], "capsize": 3}
    return {"yerr": [bars["arrayminus"], bars["array"]], **style} if bars else {}


def _is_lying(trace: Mapping[str, Any]) -> bool:
    return trace.get("orientation") == "h"


def _colour(name: str) -> str:
    return LIGHT.get(name, name)


def _text(text: str | None) -> str:
    return html.unescape(text or "")


def _fewer_colours(png: bytes) -> bytes:
    """The same picture with a palette of 256 colours: a third of the bytes."""
    from PIL import Image

    content = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(content, "PNG", optimize=True)
    return content.getvalue()
