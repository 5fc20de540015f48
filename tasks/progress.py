"""How far a stage has come: a bar in the terminal, a progress artifact in the Prefect UI."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

INTERVAL = 2.0  # seconds between updates of the Prefect artifact; each is a request


@contextmanager
def progress(kind: str) -> Iterator[Callable[[int, int], None]]:
    """A callback `(done, total)` for the library, shown while the block runs."""
    console = Console(file=sys.stderr)
    columns = (TextColumn(f"{kind:<13}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        line = bar.add_task(kind, total=None)
        artifact: UUID | None = None
        told = time.monotonic()

        def on_progress(done: int, total: int) -> None:
            nonlocal artifact, told
            bar.update(line, completed=done, total=total)
            waiting = time.monotonic() - told < INTERVAL and not (artifact and done == total)
            if waiting or TaskRunContext.get() is None:
                return
            told = time.monotonic()
            percent = 100.0 * done / max(total, 1)
            if artifact is None:
                artifact = cast(UUID, create_progress_artifact(progress=percent, description=f"{kind}: progress"))
            else:
                update_progress_artifact(artifact, progress=percent)

        yield on_progress
