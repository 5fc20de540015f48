"""Folders that are seen whole or not at all."""

from pathlib import Path

import pytest

from sidflow.errors import ConfigError
from sidflow.export.folder import whole_folder

NAMES = ("file", "other")


def fill(out: Path, content: str = "new", force: bool = False) -> None:
    """Write one file into the folder to be."""
    with whole_folder(str(out), NAMES, force) as folder:
        (folder / "file").write_text(content)


def test_it_appears_when_it_is_done(tmp_path: Path) -> None:
    """While the block runs nothing is at the place; afterwards the whole is, and nothing else is left."""
    out = tmp_path / "deep" / "out"
    with whole_folder(str(out), NAMES) as folder:
        (folder / "file").write_text("new")
        assert not out.exists()
    assert (out / "file").read_text() == "new"
    assert [each.name for each in out.parent.iterdir()] == ["out"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """An error in the middle leaves neither the folder nor its temporary sibling."""
    with pytest.raises(ZeroDivisionError), whole_folder(str(tmp_path / "out"), NAMES) as folder:
        (folder / "file").write_text(str(1 / 0))
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """With force an older folder survives an error."""
    fill(tmp_path / "out", "old")
    with pytest.raises(ZeroDivisionError), whole_folder(str(tmp_path / "out"), NAMES, force=True) as folder:
        (folder / "file").write_text(str(1 / 0))
    assert (tmp_path / "out" / "file").read_text() == "old"


def test_a_folder_with_content_is_not_touched(tmp_path: Path) -> None:
    """It is refused with the way out, before any work; with force it is replaced whole."""
    fill(tmp_path / "out", "old")
    (tmp_path / "out" / "other").write_text("old")
    with pytest.raises(ConfigError, match=r"the folder has content; allowed is a new or an empty one. Or add --force"):
        fill(tmp_path / "out")
    assert (tmp_path / "out" / "file").read_text() == "old"
    fill(tmp_path / "out", force=True)
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["file"]
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_force_replaces_nothing_but_an_older_export(tmp_path: Path) -> None:
    """A folder of other things, a mistyped one or the project's own, keeps every file."""
    (tmp_path / "project" / "store").mkdir(parents=True)
    (tmp_path / "project" / "file").write_text("old")
    (tmp_path / "project" / "pipeline.yaml").write_text("mine")
    with pytest.raises(ConfigError, match=r"has what no such export wrote \('pipeline.yaml' and 1 more\); --force"):
        fill(tmp_path / "project", force=True)
    assert sorted(each.name for each in (tmp_path / "project").iterdir()) == ["file", "pipeline.yaml", "store"]


@pytest.mark.parametrize("out", [".", "..", ""])
def test_the_current_folder_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str) -> None:
    """Not even an empty one: a shell whose folder is moved away can do nothing more."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ConfigError, match=r"holds the current folder"), whole_folder(out, NAMES, force=True):
        pass
    assert [each.name for each in tmp_path.iterdir()] == ["here"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    """What it points to is replaced."""
    fill(tmp_path / "real", "old")
    (tmp_path / "out").symlink_to(tmp_path / "real")
    fill(tmp_path / "out", "new", force=True)
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "real" / "file").read_text() == "new"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out", "real"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    """An empty folder may be there already."""
    (tmp_path / "out").mkdir()
    fill(tmp_path / "out")
    assert (tmp_path / "out" / "file").read_text() == "new"


def test_what_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    """A URL, a file, and a place below a file."""
    (tmp_path / "file").write_text("old")
    with (
        pytest.raises(ConfigError, match=r"--out s3://bucket/x: is a URL; allowed is a local folder"),
        whole_folder("s3://bucket/x", NAMES),
    ):
        pass
    with pytest.raises(ConfigError, match=r"file: is a file; allowed is a folder"):
        fill(tmp_path / "file", force=True)
    with pytest.raises(ConfigError, match=r"cannot be written: Not a directory"):
        fill(tmp_path / "file" / "below")
