"""Where exports go: formats by suffix, refusals, and nothing half-written."""

from pathlib import Path

import fsspec
import pytest

from sidflow.errors import ConfigError
from sidflow.export.destination import Destination


@pytest.mark.parametrize(
    ("name", "format", "gzipped"),
    [
        ("a.parquet", "parquet", False),
        ("a.csv", "csv", False),
        ("a.CSV.GZ", "csv", True),
        ("a.b.jsonl", "jsonl", False),
        ("memory://there/a.jsonl.gz", "jsonl", True),
    ],
)
def test_the_suffix_says_the_format(name: str, format: str, gzipped: bool) -> None:
    """Whatever its case, on any filesystem."""
    place = Destination.parse(name)
    assert (place.format, place.gzipped) == (format, gzipped)


@pytest.mark.parametrize("name", ["a.xlsx", "a", "parquet", "a.parquet.gz", "folder/", ".csv", "a.csv/"])
def test_other_names_are_refused(name: str) -> None:
    """The message lists what is allowed."""
    with pytest.raises(ConfigError, match=r"--out .*allowed: a name with \.parquet, \.csv, \.csv\.gz, \.jsonl"):
        Destination.parse(name)


def test_an_unknown_protocol_is_refused() -> None:
    """Before any work."""
    with pytest.raises(ConfigError, match=r"--out s9://bucket/a\.csv: .*s9"):
        Destination.parse("s9://bucket/a.csv")


def test_a_file_that_is_there_is_replaced_by_force_only(tmp_path: Path) -> None:
    """The message names --force; the file stays as it is."""
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(ConfigError, match=r"a\.csv: is there already; give another name, or --force"):
        Destination.parse(str(path))
    with Destination.parse(str(path), force=True).writing() as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """Neither a file nor a temporary one."""
    with pytest.raises(ZeroDivisionError), Destination.parse(str(tmp_path / "new" / "a.csv")).writing() as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert list((tmp_path / "new").iterdir()) == []


def test_a_url_gets_the_whole_file_at_the_end(tmp_path: Path) -> None:
    """Uploaded in one piece; the temporary file is removed."""
    url = f"memory://exports/{tmp_path.name}/a.csv"
    place = Destination.parse(url)
    with place.writing() as temporary:
        temporary.write_text("whole")
        assert not place.exists()
    assert fsspec.filesystem("memory").cat_file(f"/exports/{tmp_path.name}/a.csv") == b"whole"
    assert not temporary.exists()
    assert place.location.startswith("memory://")
    with pytest.raises(ConfigError, match="is there already"):
        Destination.parse(url)


def test_a_place_without_rights_is_told(tmp_path: Path) -> None:
    """A file where a folder should be: the reason and the next step."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ConfigError, match=r"--out .*a\.csv: cannot be written: .* Free space or rights"),
        Destination.parse(str(tmp_path / "file" / "a.csv")).writing(),
    ):
        pass


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """An error while writing is one of the place."""
    with (
        pytest.raises(ConfigError, match=r"a\.csv: cannot be written: No space left"),
        Destination.parse(str(tmp_path / "a.csv")).writing(),
    ):
        raise OSError(28, "No space left on device")


def test_a_name_beside() -> None:
    """For what a text format cannot hold."""
    assert Destination.parse("x/a.csv").beside(".schema.json").url == "x/a.csv.schema.json"
