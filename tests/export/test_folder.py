"""Folders that are seen whole or not at all."""

from pathlib import Path

import pytest

from sidflow.errors import ConfigError
from sidflow.export.folder import whole_folder


def fill(out: Path, content: str = "new", force: bool = False) -> None:
    """Write one file into the folder to be."""
    with whole_folder(str(out), force) as folder:
        (folder / "file").write_text(content)


def test_it_appears_when_it_is_done(tmp_path: Path) -> None:
    """While the block runs nothing is at the place; afterwards the whole is, and nothing else is left."""
    out = tmp_path / "deep" / "out"
    with whole_folder(str(out)) as folder:
        (folder / "file").write_text("new")
        assert not out.exists()
    assert (out / "file").read_text() == "new"
    assert [each.name for each in out.parent.iterdir()] == ["out"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """An error in the middle leaves neither the folder nor its temporary sibling."""
    with pytest.raises(ZeroDivisionError), whole_folder(str(tmp_path / "out")) as folder:
        (folder / "file").write_text(str(1 / 0))
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """With force an older folder survives an error."""
    fill(tmp_path / "out", "old")
    with pytest.raises(ZeroDivisionError), whole_folder(str(tmp_path / "out"), force=True) as folder:
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
        whole_folder("s3://bucket/x"),
    ):
        pass
    with pytest.raises(ConfigError, match=r"file: is a file; allowed is a folder"):
        fill(tmp_path / "file", force=True)
    with pytest.raises(ConfigError, match=r"cannot be written: Not a directory"):
        fill(tmp_path / "file" / "below")
