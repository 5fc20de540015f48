"""Commands that bring data: fetch."""

import json
import logging
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from flows.commands.options import JsonOption, plain

app = typer.Typer()
TOLD_EVERY = 10.0  # seconds between lines about a download where there is no terminal


@app.command()
def fetch(
    dataset: Annotated[
        str,
        typer.Argument(help="movielens-100k, movielens-1m, amazon-beauty, amazon-sports or amazon-toys (2014 5-core)."),
    ],
    folder: Annotated[Path, typer.Option(help="Where to put it, in a folder of its own.")] = Path("data/raw"),
    source: Annotated[
        str | None,
        typer.Option("--from", help="Take the published files from this http(s) mirror, or folder of this machine."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Get a public data set from its publisher: resumed where it broke off, verified, and never twice."""
    from sidflow.fetch import fetch as obtain

    with downloads() as on_progress:
        fetched = obtain(dataset, folder, source, on_progress)
    if as_json:
        found = {"dataset": dataset, "folder": str(fetched.folder)}
        print(json.dumps({**found, "origin": fetched.origin, "downloaded": fetched.downloaded}))
        return
    there = "from" if fetched.downloaded else "there already, from"
    print(f"{dataset}: {fetched.folder} ({there} {fetched.origin})")
    for line in next_commands(dataset, fetched.folder):
        print(f"next: {line}")


@contextmanager
def downloads() -> Iterator[Callable[[str, int, int], None]]:
    """A callback (file, bytes held, bytes in total), shown on stderr: a bar a file, or a line now and then."""
    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=None), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(compact=True), console=console, transient=True, expand=True) as bar:
        tasks = {}

        def on_progress(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(plain(name), total=None)
            bar.update(tasks[name], completed=done, total=total or None)

        with log_above_the_bar():
            yield on_progress


@contextmanager
def log_above_the_bar() -> Iterator[None]:
    """Log lines go to the stderr of the moment, which a running bar has made its own, not to the one of the start."""
    handlers = [each for each in logging.getLogger("sidflow").handlers if isinstance(each, logging.StreamHandler)]
    before = [handler.setStream(sys.stderr) or sys.stderr for handler in handlers]
    try:
        yield
    finally:
        for handler, stream in zip(handlers, before, strict=True):
            handler.setStream(stream)


def lines() -> Callable[[str, int, int], None]:
    """The callback for logs: at a file's first and last byte, and every ten seconds between."""
    told: dict[str, float] = {}

    def on_progress(name: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - told.get(name, -TOLD_EVERY) >= TOLD_EVERY:
            told[name] = now
            of = f" of {total / 1e6:.1f}" if total else ""
            print(f"fetch: {name}: {done / 1e6:.1f}{of} MB", file=sys.stderr, flush=True)

    return on_progress


def next_commands(dataset: str, folder: Path) -> list[str]:
    """What to type once a data set is in its folder."""
    interactions, catalogue = (shlex.quote(str(folder / name)) for name in ("interactions.csv", "items.csv"))
    begin = f"sidflow init --interactions {interactions} --catalogue {catalogue}"
    moved = f" --set interactions.path={interactions} --set catalogue.path={catalogue}"
    apart = f"{moved} --set store.root=.sidflow/{dataset}"
    match dataset, str(folder):
        case "movielens-100k", "data/raw/movielens-100k":
            return ["sidflow run"]
        case "amazon-beauty", "data/raw/amazon-beauty":
            return [begin, "sidflow run --config benchmarks/amazon.yaml"]
        case _ if dataset.startswith("amazon-"):
            return [begin, f"sidflow run --config benchmarks/amazon.yaml{apart}"]
        case _:
            return [begin, f"sidflow run{apart}"]
