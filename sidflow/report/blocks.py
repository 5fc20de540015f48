"""What a report is made of: sections of tables, figures, facts and notes, as plain values for a page or a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sidflow.report.palette import LINE, MUTED


@dataclass(frozen=True)
class Mark:
    """A cell with a meaning: good and bad are coloured and worded, code is monospaced."""

    text: str
    kind: Literal["good", "bad", "muted", "code", "strong"]


Cell = str | Mark


@dataclass(frozen=True)
class Table:
    """Rows under a header; the first cell of a row is its heading.

    Attributes:
        columns: Headings.
        rows: Cells, one a column.
        caption: What the table shows.
        align: One letter a column: l, or r for numbers.
        folded: With a text the table is folded behind it.
        reading: How to read it.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str
    align: str
    folded: str = ""
    reading: str = ""

    block = "table"


@dataclass(frozen=True)
class Figure:
    """A plotly figure as plain data; colours are names of palette.py.

    Attributes:
        name: Unique in the report; letters and hyphens.
        title: What it shows.
        reading: How to read it, and what would be alarming.
        summary: Its content in a sentence, for those who do not see it.
        data: Traces.
        layout: Beside the page's own style.
        height: Pixels.
        wide: Whether it takes the whole width.
    """

    name: str
    title: str
    reading: str
    summary: str
    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any]
    height: int = 300
    wide: bool = False

    block = "figure"


@dataclass(frozen=True)
class Facts:
    """Terms with their values; those without a value are left out."""

    pairs: tuple[tuple[str, Cell], ...]
    title: str = ""
    wide: bool = True

    block = "facts"


@dataclass(frozen=True)
class Tiles:
    """A few headline numbers: label, value, and what to compare it with."""

    tiles: tuple[tuple[str, str, str], ...]

    block = "tiles"


@dataclass(frozen=True)
class Note:
    """A sentence."""

    text: str
    kind: Literal["plain", "missing", "alarm"] = "plain"

    block = "note"


@dataclass(frozen=True)
class SideBySide:
    """Two tables under a heading."""

    title: str
    left: Table
    right: Table

    block = "side-by-side"


Block = Table | Figure | Facts | Tiles | Note | SideBySide


@dataclass(frozen=True)
class Section:
    """A chapter of the report; `failed` says why it could not be made."""

    name: str
    title: str
    blocks: tuple[Block, ...]
    intro: str = ""
    failed: str = ""


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], align: str = "", **more: str) -> Table:
    """A table whose first column is text and the others numbers, unless `align` says otherwise."""
    return Table(tuple(columns), tuple(map(tuple, rows)), caption, align or "l" + "r" * (len(columns) - 1), **more)


def facts(title: str, pairs: Mapping[str, Cell | None], wide: bool = True) -> Facts:
    """Terms and values, those that are not known left out."""
    return Facts(tuple((term, value) for term, value in pairs.items() if value is not None), title, wide)


def axes(x: str, y: str, **more: Any) -> dict[str, Any]:
    """A layout with two titled axes; `xaxis` and `yaxis` in `more` add to them."""
    style = {"gridcolor": LINE, "zerolinecolor": LINE, "linecolor": LINE, "tickcolor": LINE, "automargin": True}
    return {
        **more,
        "xaxis": {"title": {"text": x, "font": {"color": MUTED}}, **style, "showgrid": False, **more.get("xaxis", {})},
        "yaxis": {"title": {"text": y, "font": {"color": MUTED}}, **style, **more.get("yaxis", {})},
    }
