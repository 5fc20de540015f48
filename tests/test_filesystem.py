"""Paths and URLs, and what to do about those that cannot be opened."""

import importlib
import sys
from pathlib import Path

import pytest

from sidflow.errors import ConfigError
from sidflow.filesystem import open_filesystem


def test_a_local_path(tmp_path: Path) -> None:
    """The path comes back absolute."""
    filesystem, path = open_filesystem(str(tmp_path / "a"), "x")
    assert "file" in filesystem.protocol
    assert path == str(tmp_path / "a")


def test_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` is the home folder."""
    monkeypatch.setenv("HOME", "/somewhere")
    assert open_filesystem("~/a.csv", "x")[1] == "/somewhere/a.csv"


def test_an_empty_path_is_not_the_working_folder() -> None:
    """fsspec would take it for that."""
    with pytest.raises(ConfigError, match="x: is empty; allowed: a path or an fsspec URL"):
        open_filesystem(" ", "x")


@pytest.mark.parametrize(("url", "extra"), [("gs://bucket/a", "gcs"), ("s3://bucket/a", "s3")])
def test_a_package_that_is_not_installed(url: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra that brings it."""
    monkeypatch.setitem(sys.modules, {"gcs": "gcsfs", "s3": "s3fs"}[extra], None)
    for protocol in ("gs", "gcs", "s3", "s3a"):
        monkeypatch.delitem(importlib.import_module("fsspec.registry")._registry, protocol, raising=False)
    with pytest.raises(ConfigError, match=rf"needs a package that is not installed: .* pip install '\.\[{extra}\]'"):
        open_filesystem(url, "interactions.path")


def test_an_unknown_protocol() -> None:
    """It is named, with what is allowed."""
    with pytest.raises(ConfigError, match=r"store\.root: Protocol not known: nowhere; allowed: a local path, s3://"):
        open_filesystem("nowhere://a", "store.root")


def test_nothing_answers() -> None:
    """A refused connection is told as such."""
    with pytest.raises(ConfigError, match="cannot be reached: Connection refused"):
        open_filesystem("ftp://127.0.0.1:9/a", "x")
