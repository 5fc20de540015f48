"""What all tests of scripts need."""

from pathlib import Path

import pytest

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")


@pytest.fixture(autouse=True)
def beside_the_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts import their neighbours by name, as when they are run."""
    monkeypatch.syspath_prepend(BENCHMARKS)
