"""A fit in a process of its own, which a test may kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_or_kill(script: str, folder: Path, out: Path, kill_after: int | None = None) -> list[int]:
    """Run a script that prints each step that it has done; SIGKILL once it has told a step.

    Args:
        script: Python, with the two folders as its arguments.
        folder: Where it keeps its state; made if it is not there.
        out: Where its results go; made if it is not there.
        kill_after: The step; None lets it end.

    Returns:
        The steps told.
    """
    folder.mkdir(exist_ok=True)
    out.mkdir(exist_ok=True)
    told = []
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, folder, out]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(int(line))
            if told[-1] == kill_after:
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == (0 if kill_after is None else -signal.SIGKILL)
    return told
