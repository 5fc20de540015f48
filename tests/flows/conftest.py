"""What the flow tests share: waiting for a command, and one finished run to look at."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import make_folder, start_sidflow

Answer = tuple[Any, str]
Finish = Callable[..., Answer]


def finish(process: "subprocess.Popen[str]", code: int = 0) -> Answer:
    """Wait for a command; its JSON answer (None if it printed none) and what it said on stderr."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, err
    assert "Traceback" not in err
    return (json.loads(out) if out.strip() else None), err


@pytest.fixture(scope="module")
def released(server: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A folder in which `sidflow run --json` has finished, and what it printed."""
    folder = make_folder(tmp_path_factory.mktemp("world"))
    return folder, finish(start_sidflow(server, folder, "run", "--json"))[0]
