"""A case of bad input: what is spoiled, and what the command line then says."""

import io
import logging
import re
import resource
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from flows.cli import _report, app
from flows.commands.options import parse_moment
from flows.refresh import run_stages
from flows.steps import Steps
from sidflow.artifacts import Store
from sidflow.config import load_config

MESSAGES: dict[str, str] = tomllib.loads(Path(__file__).with_name("messages.toml").read_text(encoding="utf-8"))
LOGGERS = ("sidflow", "tasks", "flows")


@dataclass(frozen=True)
class Case:
    """One way to spoil a small world (tests/conftest.make_folder), and the outcome.

    Attributes:
        name: A short name, unique.
        situation: A sentence for docs/errors.md.
        spoil: Takes the world's folder and spoils one thing.
        exit_code: Of the command; 0 goes on.
        settings: Given with --set; FOLDER stands for the world's folder.
        until: Last stage that the test runs.
        as_of: Logical time.
        command: A command line other than `sidflow run`.
        file_limit: Largest file that may be written, bytes; a disk that is full.
        released: Whether the folder is one with two releases (tests/conftest.own_releases).
    """

    name: str
    situation: str
    spoil: Callable[[Path], object]
    exit_code: int
    settings: tuple[str, ...] = ()
    until: str = "histories"
    as_of: str | None = None
    command: tuple[str, ...] = ()
    file_limit: int | None = None
    released: bool = False

    @property
    def message(self) -> str:
        """All that an error says, or one line of the log of a run that goes on, as messages.toml has it, masked."""
        return MESSAGES[self.name]

    def line(self) -> str:
        """The command line as a user writes it."""
        words = ["sidflow", *(self.command or ("run",))]
        words += [f"--as-of {self.as_of}"] if self.as_of else []
        words += [f"--set {_quoted(each.replace('FOLDER', 'DATA'))}" for each in self.settings]
        return " ".join(words)


@dataclass(frozen=True)
class Outcome:
    """What a command said: its exit code, what it reported at its end, and the log before that, masked."""

    exit_code: int
    report: str
    log: tuple[str, ...]


def run_case(case: Case, folder: Path) -> Outcome:
    """Spoil the folder and do what the command does, in this process; stages run without Prefect."""
    case.spoil(folder)
    settings = [each.replace("FOLDER", str(folder)) for each in case.settings]
    report, exit_code = io.StringIO(), 0
    with _logged() as log, redirect_stderr(report):
        try:
            with _file_limit(case.file_limit):
                _run(case, folder, settings)
        except Exception as error:
            exit_code = _report(error)
    return Outcome(exit_code, mask(report.getvalue(), folder), tuple(mask(log.getvalue(), folder).splitlines()))


def mask(text: str, folder: Path) -> str:
    """The text without what differs from run to run: the folder, attempts, fingerprints and digests."""
    text = text.replace(str(folder), "DATA").replace(str(folder).lstrip("/"), "DATA").strip()
    text = re.sub(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b", "<digest>", text)
    return re.sub(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b", "<fingerprint>", text)


def _run(case: Case, folder: Path, settings: Sequence[str]) -> None:
    if case.command:
        options = ["--config", str(folder / "pipeline.yaml"), *(f"--set={each}" for each in settings)]
        result = CliRunner().invoke(app, [*case.command, *options], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return
    config = load_config(folder / "pipeline.yaml", settings)
    steps = Steps(store=Store(config.store.root), until=case.until, direct=True)
    run_stages(steps, config, parse_moment(case.as_of, "--as-of") if case.as_of else None)


@contextmanager
def _logged() -> Iterator[io.StringIO]:
    """What the command's log handler would show."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    for name in LOGGERS:
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield text
    finally:
        for name in LOGGERS:
            logging.getLogger(name).removeHandler(handler)
            logging.getLogger(name).setLevel(logging.NOTSET)


@contextmanager
def _file_limit(size: int | None) -> Iterator[None]:
    """A real limit on the size of files; Python ignores the signal, so that writes fail with an OSError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft if size is None else size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _quoted(word: str) -> str:
    if "'" in word:
        return f'"{word}"'
    return f"'{word}'" if re.search(r"[\s\[\]{}()*?;|<>&#~\"]", word) else word
