"""A report as one HTML page that loads nothing: styles, scripts and data are inside it."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sidflow.report.blocks import Figure
from sidflow.report.build import Report
from sidflow.report.palette import DARK, LIGHT

TEMPLATES = Path(__file__).parent / "templates"
HARMLESS = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render(report: Report) -> str:
    """The page.

    Text of the data is escaped by the template, or enters as JSON in which no markup can end a script. A content
    security policy that names the page's two scripts by their digests forbids every other one, and every request.
    """
    plotly, script = plotly_script(), _read("page.js")
    return _environment().get_template("page.html").render(
        report=report,
        policy=policy(plotly, script),
        style=Markup(_style()),
        plotly=Markup(plotly),
        script=Markup(script),
        embed=embed,
    )  # fmt: skip


def embed(figure: Figure) -> Markup:
    """A figure as JSON inside a script element."""
    content = {"data": figure.data, "layout": {**figure.layout, "height": figure.height}}
    return Markup(script_json(content))  # every character with a meaning in HTML was replaced


def script_json(content: Any) -> str:
    """JSON that cannot leave a script element, whatever text it holds.

    Raises:
        ValueError: If a number is NaN or infinite, which JSON does not know.
    """
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in HARMLESS.items():
        text = text.replace(character, escape)
    return text


def policy(*scripts: str) -> str:
    """A content security policy: these scripts and inline styles only, no request to anywhere.

    Source: W3C, Content Security Policy Level 3, section 8.4.
    """
    digests = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def plotly_script() -> str:
    """The plotly library; about 5 MB."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).replace("\r\n", "\n")


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(TEMPLATES)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def _style() -> str:
    """The style sheet with the palette as variables; light on paper."""
    light, dark = (" ".join(f"{name}: {value};" for name, value in each.items()) for each in (LIGHT, DARK))
    on_screen = f"@media screen and (prefers-color-scheme: dark) {{ :root:not([data-paper]) {{ {dark} }} }}"
    return f":root {{ {light} }}\n{on_screen}\n{_read('page.css')}"


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
