"""Reports over HTTP on loopback: those pages, and nothing else."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.report_server import report_server, usual_port
from sidflow.artifacts.storage import Storage


@pytest.fixture
def served(tmp_path: Path) -> Iterator[http.client.HTTPConnection]:
    """A store with a report, a file beside it and one above it, served."""
    for name in ("reports/abc.html", "reports/abc.json", "reports/.hidden.html", "secret.html", "reports/deep/x.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"content of {name}")
    with report_server(str(tmp_path)) as address:
        assert address.startswith("http://127.0.0.1:")
        yield http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)


def test_a_page(served: http.client.HTTPConnection) -> None:
    """GET gives it, HEAD its size alone; it is HTML and not guessed to be anything else."""
    served.request("GET", "/abc.html")
    answer = served.getresponse()
    assert (answer.status, answer.read()) == (200, b"content of reports/abc.html")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    served.request("HEAD", "/abc.html")
    answer = served.getresponse()
    assert (answer.status, answer.headers["Content-Length"], answer.read()) == (200, "27", b"")


def test_the_list_of_reports(served: http.client.HTTPConnection) -> None:
    """The root links to every report and names nothing else."""
    served.request("GET", "/")
    answer = served.getresponse()
    content = answer.read().decode()
    assert answer.status == 200
    assert '<a href="/abc.html">abc</a>' in content
    assert content.count("<li>") == 1


OUTSIDE = (
    "/reports/",
    "/abc.json",
    "/.hidden.html",
    "/../secret.html",
    "/..%2fsecret.html",
    "/deep/x.html",
    "/no.html",
)


@pytest.mark.parametrize("path", [*OUTSIDE, "/no.html", "/abc.html?x", "/abc.html/"])
def test_nothing_else(served: http.client.HTTPConnection, path: str) -> None:
    """Other files, other folders and whatever leads out of the folder are not there."""
    served.request("GET", path)
    answer = served.getresponse()
    assert answer.status == 404
    assert b"sidflow report RELEASE" in answer.read()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_is_read_only(served: http.client.HTTPConnection, method: str) -> None:
    """There is no way to write."""
    served.request(method, "/abc.html")
    assert served.getresponse().status == 501


def test_another_hosts_name(served: http.client.HTTPConnection) -> None:
    """A page on the web whose name was made to point at loopback cannot read reports."""
    served.request("GET", "/abc.html", headers={"Host": "attacker.example"})
    assert served.getresponse().status == 404


def test_it_ends_with_its_block(tmp_path: Path) -> None:
    """Nothing listens afterwards."""
    with report_server(str(tmp_path)) as address:
        pass
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(address.removeprefix("http://"), timeout=2).request("GET", "/")


def test_a_store_keeps_its_port(tmp_path: Path) -> None:
    """A link from before a restart leads to the report; where another has the port, a free one does."""
    with report_server(str(tmp_path)) as first, report_server(str(tmp_path)) as meanwhile:
        assert meanwhile != first
    with report_server(str(tmp_path)) as second:
        assert second == first
    assert usual_port(Storage(str(tmp_path))) != usual_port(Storage(str(tmp_path / "other")))
