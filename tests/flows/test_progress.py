"""How far a training has come, seen from the Prefect server."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import make_folder, start_sidflow
from tests.flows.conftest import finish
from tests.prefect_api import ask


@pytest.mark.slow
def test_a_training_shows_its_progress(server: str, tmp_path: Path) -> None:
    """A stage that takes a while has a progress artifact, which ends at 100 percent."""
    before = {each["id"] for each in progress(server)}
    folder = make_folder(tmp_path)
    settings = ("decoder.epochs=150", "decoder.validate_every=50", "decoder.patience=0")
    finish(start_sidflow(server, folder, "run", "--json", *(word for each in settings for word in ("--set", each))))
    shown = {each["description"]: each["data"] for each in progress(server) if each["id"] not in before}
    assert shown["decoder: progress"] == 100.0


def progress(server: str) -> list[dict[str, Any]]:
    """The server's progress artifacts."""
    found: list[dict[str, Any]] = ask(f"{server}/api/artifacts/filter", {"artifacts": {"type": {"any_": ["progress"]}}})
    return found
