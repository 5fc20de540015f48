"""`sidflow serve`: a real server on loopback, deployments with schedules, a run started as the UI starts one."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.prefect_api import ask

pytestmark = pytest.mark.slow


@pytest.fixture
def served(world: Path) -> Iterator[tuple[str, Path]]:
    """The address that `sidflow serve` prints, and its folder; stopped as a user stops it."""
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "sidflow"), "serve"],
        cwd=world,
        env={**environment, "PREFECT_HOME": str(world / "prefect")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    try:
        yield url, world
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        process.stdout.close()
    assert not (world / ".sidflow" / "server.json").exists()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"{url}/api/health", timeout=2)


def test_a_run_started_from_the_ui_works(served: tuple[str, Path]) -> None:
    """The address answers on loopback; deployments carry the schedules; a run of one completes."""
    url, world = served
    assert url.startswith("http://127.0.0.1:")
    assert json.loads((world / ".sidflow" / "server.json").read_text())["url"] == url
    deployments = wait_for(lambda: ask(f"{url}/api/deployments/filter", {}), lambda found: len(found) == 3)
    by_name = {each["name"]: each for each in deployments}
    assert by_name["nightly-refresh"]["schedules"][0]["schedule"]["cron"] == "0 3 * * *"
    chosen = by_name["refresh-by-hand"]["id"]
    run = ask(f"{url}/api/deployments/{chosen}/create_flow_run", {"parameters": {"until": "histories"}})
    state = wait_for(
        lambda: ask(f"{url}/api/flow_runs/{run['id']}")["state"],
        lambda found: found["type"] in ("COMPLETED", "FAILED", "CRASHED"),
    )
    assert state["type"] == "COMPLETED", state
    assert list((world / "store" / "artifacts" / "histories").glob("*/published.json"))


def wait_for(read: Any, done: Any) -> Any:
    """Read until it is done, for two minutes at most."""
    deadline = time.monotonic() + 120
    while not done(found := read()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found
