"""The Python of docs/handoffs.md, run as it stands."""

import re
from pathlib import Path
from typing import Any

import pytest

from sidflow.artifacts import Store
from sidflow.export.language import export_language
from sidflow.export.ranker import export_ranker
from sidflow.release import live_release
from tests.export.language_models import tiny_model, tiny_tokenizer

PAGE = Path(__file__).parents[2] / "docs" / "handoffs.md"


@pytest.fixture(scope="module")
def handoff(two_releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with handoff/ranker and handoff/language."""
    folder = tmp_path_factory.mktemp("page")
    store = Store(str(two_releases / "store"))
    export_ranker(store, live_release(store), str(folder / "handoff" / "ranker"))
    export_language(store, live_release(store), str(folder / "handoff" / "language"))
    return folder


def run_chapter(title: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run all Python blocks of a chapter one after another; returns their names."""
    chapter = PAGE.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    for block in re.findall(r"```python\n(.*?)```", chapter, flags=re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), names)
    return names


def test_rankers(handoff: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vector an item; a new SID's pieces and prefix."""
    monkeypatch.chdir(handoff)
    names = run_chapter("Rankers", {})
    assert names["vectors"].shape == (40, 16)
    assert 1 <= len(names["new_pieces"][0]) <= 3
    assert len(names["new_prefix"]) == 1


def test_language_models(handoff: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A finite loss, and five existing items for each of two prompts."""
    monkeypatch.chdir(handoff)
    tokenizer = tiny_tokenizer(["wh = Item has title"])
    names = run_chapter("Language models", {"tokenizer": tokenizer, "model": tiny_model(tokenizer)})
    assert 0 < names["loss"].item() < 10
    assert len(names["recommended"]) == 10
    assert all(len(each) == 1 and each[0].startswith("i") for each in names["recommended"])


def test_every_file_is_on_the_page(handoff: Path) -> None:
    """The tables name each file that is written."""
    page = PAGE.read_text()
    for path in handoff.glob("handoff/*/*"):
        assert f"`{path.name}`" in page
