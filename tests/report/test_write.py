"""Where a report is written, and the command that writes it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from sidflow.artifacts import Store
from sidflow.errors import ConfigError, MissingArtifact
from sidflow.release import live_release
from sidflow.report import write_report


def run(folder: Path, *arguments: str) -> str:
    """What `sidflow report` prints."""
    result = CliRunner().invoke(app, ["report", *arguments, "--config", str(folder / "pipeline.yaml")])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_by_default_it_is_in_the_store(own_releases: Path) -> None:
    """The live release's page; a second one replaces it whole, and nothing else is left in the folder."""
    release = live_release(Store(str(own_releases / "store"))).id
    for _ in range(2):
        said = run(own_releases)
        assert said.strip().endswith(f"store/reports/{release}.html")
    (page,) = (own_releases / "store" / "reports").iterdir()
    assert f"<title>sidflow release {release}</title>" in page.read_text()


def test_one_json_object(own_releases: Path, tmp_path: Path) -> None:
    """An older release by its beginning, to a file; the answer names it."""
    previous = str(live_release(Store(str(own_releases / "store"))).previous)
    answer = json.loads(run(own_releases, previous[:6], "--out", str(tmp_path / "new" / "page.html"), "--json"))
    content = (tmp_path / "new" / "page.html").read_bytes()
    assert answer["release"] == previous
    assert answer["path"] == str(tmp_path / "new" / "page.html")
    assert answer["bytes"] == len(content) < 12_000_000
    assert answer["incomplete"] == {}
    assert not (own_releases / "store" / "reports").exists()


def test_a_store_that_is_no_folder(two_releases: Path) -> None:
    """Any fsspec filesystem takes a report."""
    store = Store(str(two_releases / "store"))
    written = write_report(store, live_release(store), "memory://pages/report.html")
    import fsspec

    assert written.place == "memory:///pages/report.html"
    assert len(fsspec.filesystem("memory").cat("/pages/report.html")) == written.bytes


def test_no_such_release(two_releases: Path) -> None:
    """The message lists those that are there."""
    with pytest.raises(MissingArtifact, match="release 'ffff'"):
        run(two_releases, "ffff")


def test_a_folder_is_no_file(two_releases: Path, tmp_path: Path) -> None:
    """Refused before any work, with a name that would do."""
    with pytest.raises(ConfigError, match=rf"--out {tmp_path}: is a folder; allowed is a file, such as .*\.html"):
        run(two_releases, "--out", str(tmp_path))


def test_a_file_that_is_no_report_is_not_overwritten(two_releases: Path, tmp_path: Path) -> None:
    """A mistyped --out costs no data; an older report and an empty file are replaced."""
    mine, page = tmp_path / "interactions.csv", tmp_path / "page.html"
    mine.write_text("user,item\n1,2\n")
    page.touch()
    with pytest.raises(ConfigError, match=r"interactions.csv: is a file that is no report; allowed is a new one or an"):
        run(two_releases, "--out", str(mine))
    assert mine.read_text() == "user,item\n1,2\n"
    for _ in range(2):
        run(two_releases, "--out", str(page))
    assert page.stat().st_size > 1_000_000


def test_a_place_that_cannot_be_written(two_releases: Path, tmp_path: Path) -> None:
    """The option is named, not the store."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"--out .*/file/page\.html: cannot be written: .*Give another file"):
        run(two_releases, "--out", str(tmp_path / "file" / "page.html"))
