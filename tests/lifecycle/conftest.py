"""Stores on this machine and on an object store."""

from pathlib import Path

import fsspec
import pytest

from sidflow.artifacts import Store


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store in a local folder, and one on an object store."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "local":
        return Store(str(tmp_path / "store"))
    fsspec.filesystem("memory").rm(f"/{tmp_path.name}", recursive=True) if fsspec.filesystem("memory").exists(
        f"/{tmp_path.name}"
    ) else None
    return Store(f"memory://{tmp_path.name}")
