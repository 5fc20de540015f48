"""The command `sidflow`. Heavy imports live inside commands, so that --help and errors are quick."""

import io
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from flows import environment
from flows.commands import data, export, inspect, lifecycle, pipeline, releases, report, start
from sidflow.errors import ConfigError, SidflowError

STOPPED = 130

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for _group in (start, pipeline, inspect, releases, export, report, lifecycle, data):
    app.add_typer(_group.app)


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


def main() -> None:
    """Run the command; an error that a user can act on is shown without a stack trace."""
    warnings.simplefilter("ignore")
    environment.set_defaults()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that servers that were started are stopped
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a title's letters
    try:
        _check_arguments(sys.argv[1:])
        code = app(standalone_mode=False)  # typer catches Ctrl-C and gives its exit code
    except KeyboardInterrupt:
        code = STOPPED
    except Exception as error:
        code = _report(error)
    if code == STOPPED:
        print("sidflow: stopped; finished stages are kept, run the same command to go on.", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _check_arguments(arguments: Sequence[str]) -> None:
    """Refuse what the shell gave as bytes that are no text.

    Raises:
        ConfigError: Naming the argument.
    """
    for each in arguments:
        if any("\udc80" <= letter <= "\udcff" for letter in each):
            raise ConfigError(f"argument {each!a}: is not UTF-8; write it as text, or set a UTF-8 locale.")


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
