"""Errors of real processes: exit code, one clean message, and a stack trace with --debug alone."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import Sidflow

pytestmark = pytest.mark.slow


def finished(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and what was said on stderr."""
    _, err = process.communicate(timeout=120)
    return process.returncode, err


def test_an_error_inside_a_stage_is_said_once(sidflow: Sidflow, world: Path) -> None:
    """A stage refuses inside a Prefect task inside a flow: one message, the last line, no stack trace."""
    (world / "interactions.csv").write_bytes(b"")
    code, err = finished(sidflow("run"))
    assert code == 2
    assert err.count("the file is empty") == 1
    assert err.splitlines()[-1].startswith(f"sidflow: DataContractError: {world}/interactions.csv: the file is empty")
    assert "Traceback" not in err


def test_debug_shows_the_stack_trace(sidflow: Sidflow, world: Path) -> None:
    """With --debug the trace comes first, the message last."""
    (world / "interactions.csv").write_bytes(b"")
    code, err = finished(sidflow("--debug", "run"))
    assert code == 2
    assert "Traceback (most recent call last)" in err
    assert err.splitlines()[-1].startswith("sidflow: DataContractError: ")


def test_control_c(sidflow: Sidflow, world: Path) -> None:
    """An interrupted run ends with 130 and says how to go on; what is finished is kept."""
    process = sidflow("run")
    deadline = time.monotonic() + 60
    while not (world / "store" / "artifacts" / "pairs").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    code, err = finished(process)
    assert code == 130
    assert err.splitlines()[-1] == "sidflow: stopped; finished stages are kept, run the same command to go on."
    assert "Traceback" not in err
    assert list((world / "store" / "artifacts" / "histories").glob("*/published.json"))


def test_a_backfill_backwards_starts_no_flow(sidflow: Sidflow) -> None:
    """What is wrong with the options is said before a flow run begins."""
    code, err = finished(sidflow("backfill", "--start", "2014-07-01", "--end", "2014-06-01"))
    assert code == 2
    assert err.splitlines()[-1].startswith("sidflow: ConfigError: --end 2014-06-01")
    assert "Flow run" not in err
