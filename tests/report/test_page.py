"""The page as text: it loads nothing, and data cannot become markup."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from sidflow.report import Report, render
from sidflow.report.blocks import Figure, Section, table
from sidflow.report.page import embed, policy, script_json
from tests.report.conftest import EVIL, PAYLOADS

LOADING = {"src", "href", "srcset", "data", "poster", "action", "formaction", "background", "xlink:href", "ping"}


class Elements(HTMLParser):
    """All elements with attributes, and the text of styles and of scripts by type."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._raw: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        self.tags.append((tag, dict(attributes)))
        self._raw = f"{tag} {dict(attributes).get('type', '')}".strip() if tag in ("script", "style") else None

    def handle_endtag(self, tag: str) -> None:
        """Text that follows is not raw."""
        self._raw = None

    def handle_data(self, text: str) -> None:
        """Keep raw text by what it is."""
        if self._raw is not None:
            self.texts.setdefault(self._raw, []).append(text)


def elements(content: str) -> Elements:
    """A page, parsed."""
    parsed = Elements()
    parsed.feed(content)
    return parsed


def test_it_loads_nothing(page: str) -> None:
    """Every address is an anchor or data inside the page; no import, no frame, no base, no handler."""
    parsed = elements(page)
    found = [value or "" for _, attributes in parsed.tags for name, value in attributes.items() if name in LOADING]
    assert found
    assert [each for each in found if not each.startswith(("#", "data:"))] == []
    assert not {"iframe", "base", "object", "embed", "img", "form"} & {tag for tag, _ in parsed.tags}
    assert not re.search(r"@import|url\(", "".join(parsed.texts["style"]))
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]


def test_every_anchor_has_its_place(page: str) -> None:
    """The table of contents leads to sections that exist."""
    parsed = elements(page)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    anchors = {attributes["href"][1:] for tag, attributes in parsed.tags if tag == "a" and attributes["href"]}
    assert len(ids) == len(set(ids))
    assert anchors <= set(ids)
    assert len(anchors) == 12


def test_the_policy_names_both_scripts(page: str) -> None:
    """The digests in the policy are those of the two scripts as the browser will hash them."""
    scripts = elements(page).texts["script"]
    digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts]
    named = re.findall(r"sha256-([A-Za-z0-9+/=]+)", policy(*scripts))
    assert len(scripts) == 2
    assert named == digests
    assert all(f"sha256-{each}" in page.replace("&#43;", "+") for each in digests)


def test_tables_and_figures_can_be_heard(page: str, report: Report) -> None:
    """Headings of rows and columns say their scope; every figure has words beside it."""
    parsed = elements(page)
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in parsed.tags if tag == "th")
    plots = [attributes for _, attributes in parsed.tags if attributes.get("class") == "plot"]
    assert len(plots) == len(report.figures)
    assert all(len(each["aria-label"] or "") > 30 and each["role"] == "img" for each in plots)


def test_hostile_text_stays_text(hostile_report: Report) -> None:
    """No payload opens an element, and what a template would compute is shown as it is."""
    content = render(hostile_report)
    parsed = elements(content)
    assert "{{7*7}}" in content
    assert "49{% raw" not in content
    assert EVIL not in "".join(parsed.texts["script"])
    assert not {"img", "svg"} & {tag for tag, _ in parsed.tags}
    assert not [attributes for _, attributes in parsed.tags if "javascript:" in (attributes.get("href") or "")]
    assert "&lt;script&gt;" in content


@pytest.mark.parametrize("payload", [*PAYLOADS, "\u2029", "]]>", "&lt;"])
def test_json_cannot_leave_its_script(payload: str) -> None:
    """What is embedded reads back the same, without a character that means anything to HTML."""
    text = script_json({"text": [payload]})
    assert json.loads(text) == {"text": [payload]}
    assert not set("<>&\u2028\u2029") & set(text)


def test_json_refuses_what_is_no_number() -> None:
    """NaN would be a syntax error in the browser."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        script_json({"x": float("nan")})


def test_a_figure_carries_its_height() -> None:
    """The page learns the height from the figure."""
    figure = Figure("name", "Title", "reading", "summary", [{"type": "bar"}], {"barmode": "stack"}, height=123)
    assert json.loads(str(embed(figure))) == {"data": [{"type": "bar"}], "layout": {"barmode": "stack", "height": 123}}


def test_a_title_with_markup(report: Report) -> None:
    """Names of sections and cells are escaped as all text is."""
    cells = table("<caption>", ("a", "b"), [("<th>", "<td>")])
    section = Section("x", "<b>bold</b>", (cells,))
    content = render(Report(report.release, report.as_of, report.made, (section,)))
    assert "&lt;b&gt;bold&lt;/b&gt;" in content
    assert "&lt;caption&gt;" in content
    assert "<b>bold" not in content
