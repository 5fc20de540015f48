"""Reports of small releases, and a browser to look at them with."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from sidflow.artifacts import Store
from sidflow.release import live_release
from sidflow.report import Report, build_report, render
from sidflow.report.subject import Subject
from tests.conftest import TINY
from tests.factories import make_world, write_csv
from tests.released import release

EVIL = "document.title='executed'"
PAYLOADS = (
    f"<script>{EVIL}</script>",
    f"</script><script>{EVIL}</script>",
    f'"><img src=x onerror="{EVIL}">',
    f"<!--<script>{EVIL}//",
    f"<svg onload={EVIL}><b>bold</b>",
    f'<a href="javascript:{EVIL}">link</a>',
    "{{7*7}}{% raw %}",
    "line\u2028separator \u202e turned $\\frac{1}{2}$",
    "[bold]loud[/bold] %{customdata} --series-1",
)


@pytest.fixture(scope="session")
def subject(two_releases: Path) -> Subject:
    """The second of two releases, a full refit."""
    store = Store(str(two_releases / "store"))
    return Subject(store, live_release(store))


@pytest.fixture(scope="session")
def report(subject: Subject) -> Report:
    """Its report."""
    return build_report(subject.store, subject.release)


@pytest.fixture(scope="session")
def page(report: Report) -> str:
    """Its page."""
    return render(report)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A release whose titles, brands, categories, item ids and user ids are attempts to inject markup."""
    folder = tmp_path_factory.mktemp("hostile")
    world = make_world(users=60, items=40, topics=4, seed=3)
    write_csv(_spoiled(world.interactions, ("user_id", "item_id")), folder / "interactions.csv")
    write_csv(_spoiled(world.items, ("item_id", "title", "brand", "category")), folder / "items.csv")
    (folder / "pipeline.yaml").write_text(TINY.format(folder=folder))
    return Subject(Store(str(folder / "store")), release(folder))


@pytest.fixture(scope="session")
def hostile_report(hostile: Subject) -> Report:
    """Its report."""
    return build_report(hostile.store, hostile.release)


def _spoiled(table: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    """The same table, with a payload in each of these cells; equal cells stay equal."""
    for name in columns:
        cells = [f"{PAYLOADS[sum(cell.encode()) % len(PAYLOADS)]} {cell}" for cell in table[name].to_pylist()]
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(cells))
    return table


Browse = Callable[[str], tuple[str, list[str]]]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Open a page in headless Chromium: its DOM after a while, and what its console said."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on PATH")

    def look(content: str) -> tuple[str, list[str]]:
        (tmp_path / "page.html").write_text(content, encoding="utf-8")
        flags = ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync")
        flags += ("disable-background-networking", "disable-component-update", "virtual-time-budget=20000")
        flags += ("enable-logging=stderr", "v=0", f"user-data-dir={tmp_path / 'profile'}", "dump-dom")
        command = [found, *(f"--{flag}" for flag in flags), (tmp_path / "page.html").as_uri()]
        environment = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=environment)
        return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]

    return look
