"""What several commands share: their options, moments, a clean stdout, the live release."""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sidflow.errors import ConfigError

ConfigOption = Annotated[str, typer.Option("--config", help="Configuration file.")]
SetOption = Annotated[list[str], typer.Option("--set", help="Setting section.key=value; may be repeated.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on stdout, all else on stderr.")]
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and newline, and what turns the direction of writing."""


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
def stdout_kept_for_json(wanted: bool) -> Iterator[Any]:
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


def plain(text: str) -> str:
    """Text of the data for rich: nothing in it is markup, and nothing is obeyed by a terminal."""
    shown = _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)
    return re.sub(r"(\\*)\[", lambda found: found[1] * 2 + r"\[", shown) + ("\u200b" if shown.endswith("\\") else "")


def config_option(path: str, overrides: Sequence[str] = ()) -> str:
    """` --config PATH --set ...` for a command to suggest; nothing where all is at its default."""
    words = [] if path == "pipeline.yaml" else ["--config", path]
    words += [word for each in overrides for word in ("--set", each)]
    return "".join(f" {shlex.quote(word)}" for word in words)
