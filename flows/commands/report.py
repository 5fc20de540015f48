"""The command that draws a release: report."""

import json
from typing import Annotated

import typer
from rich.console import Console

from flows.commands.options import ConfigOption, JsonOption, SetOption, plain
from sidflow.config import load_config

app = typer.Typer()


@app.command()
def report(
    release: Annotated[
        str | None, typer.Argument(help="Id, its beginning, or a tag; the current release if left out.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="File to write; by default reports/RELEASE.html in the store.")
    ] = None,
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Write one self-contained HTML page about a release."""
    from sidflow.artifacts import Store
    from sidflow.release import find_release, live_release
    from sidflow.report import write_report

    store = Store(load_config(config, set_).store.root)
    written = write_report(store, find_release(store, release) if release else live_release(store), out)
    missing = written.report.missing
    if as_json:
        answer = {
            "release": written.report.release,
            "path": written.place,
            "bytes": written.bytes,
            "seconds": round(written.seconds, 3),
            "incomplete": missing,
        }
        print(json.dumps(answer, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"Report of release {written.report.release}: {written.bytes / 1e6:.1f} MB in {written.seconds:.1f} s"
    )
    for name, reason in missing.items():
        console.print(f"Left out: {name}: {plain(reason)}", style="yellow")
    console.print(plain(written.place))
