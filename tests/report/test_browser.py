"""The page in a real browser: all figures drawn, nothing executed that came with the data, no request, no error."""

import re
from html.parser import HTMLParser

import pytest

from sidflow.report import Report, render
from tests.report.conftest import Browse


class Drawn(HTMLParser):
    """The title, and the names of figures that hold a plot."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.names, self.drawings = "", [], 0
        self._in_title = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Count plots and their drawings."""
        values = dict(attributes)
        classes = (values.get("class") or "").split()
        self._in_title = tag == "title"
        if "js-plotly-plot" in classes:
            self.names.append(values["id"])
        self.drawings += tag == "svg" and "main-svg" in classes

    def handle_data(self, text: str) -> None:
        """The document's title."""
        if self._in_title:
            self.title, self._in_title = text, False


def drawn(dom: str) -> Drawn:
    """What a browser made of a page."""
    parsed = Drawn()
    parsed.feed(dom)
    return parsed


def test_every_figure_is_drawn_without_an_error(page: str, report: Report, browse: Browse) -> None:
    """One plot a figure, each with a drawing; the console stays silent, so the policy refused nothing either."""
    dom, console = browse(page)
    seen = drawn(dom)
    assert console == []
    assert sorted(seen.names) == sorted(report.figures)
    assert seen.drawings >= len(report.figures)
    assert seen.title == f"sidflow release {report.release}"


@pytest.mark.parametrize("guarded", [True, False])
def test_text_of_the_data_executes_nothing(hostile_report: Report, browse: Browse, guarded: bool) -> None:
    """Titles, ids, users and topics are text to the browser, even where no policy guards the page."""
    report, content = hostile_report, render(hostile_report)
    if not guarded:
        content, removed = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", content)
        assert removed == 1
    dom, console = browse(content)
    seen = drawn(dom)
    assert report.missing == {}
    assert seen.title == f"sidflow release {report.release}"
    assert sorted(seen.names) == sorted(report.figures)
    assert console == []


def test_an_executed_payload_would_be_seen(page: str, browse: Browse) -> None:
    """The control: without a policy an injected script changes the title; with one, the console tells of it."""
    spoiled = page.replace("</main>", "<script>document.title='executed'</script></main>")
    dom, console = browse(spoiled)
    assert drawn(dom).title != "executed"
    assert "Content Security Policy" in "".join(console)
    dom, _ = browse(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", spoiled))
    assert drawn(dom).title == "executed"


def test_a_request_would_be_seen(page: str, browse: Browse) -> None:
    """The control: an image from elsewhere is refused by the policy, and the console tells of it."""
    _, console = browse(page.replace("</main>", '<img src="http://127.0.0.1:9/x.png"></main>'))
    assert "Content Security Policy" in "".join(console)


def test_paper_is_light_and_unfolded(page: str, browse: Browse) -> None:
    """Before printing all details open and the colours are those of paper; afterwards they are as they were."""
    unguarded = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    printing = "<script>setTimeout(() => dispatchEvent(new Event('beforeprint')), 500)</script>"
    dom, _ = browse(unguarded.replace("</body>", f"{printing}</body>"))
    assert re.search(r"<html[^>]* data-paper", dom)
    folded = re.findall(r"<details[^>]*>", dom)
    assert folded
    assert all(" open" in each for each in folded)
    after = printing.replace("beforeprint", "afterprint").replace("500", "1000")
    dom, console = browse(unguarded.replace("</body>", f"{printing}{after}</body>"))
    assert not re.search(r"<html[^>]* data-paper", dom)
    assert not [each for each in re.findall(r"<details[^>]*>", dom) if " open" in each]
    assert console == []
