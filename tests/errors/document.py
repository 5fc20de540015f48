"""docs/errors.md, from the table of cases: `python -m tests.errors.document` writes it."""

from collections.abc import Iterator
from pathlib import Path

from sidflow.errors import SidflowError
from tests.errors.case import Case
from tests.errors.table import GROUPS

DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"
START = """# Errors

What a bad log, catalogue, setting or store leads to, and what the command line says then. This page is made from the
table in `tests/errors/`, where a test holds each case to its exit code and its message;
`python -m tests.errors.document` writes the page anew. `DATA` stands for a folder, `<digest>` and `<fingerprint>` for
hexadecimal numbers.

A message says what is wrong, where, what was met, what is allowed and what to do next. There is no stack trace unless
`--debug` stands before the command: `sidflow --debug run`.

## Exit codes

| code | error | when |
|---|---|---|
| 0 | | done; rows that were rejected or dropped are counted |
"""
BETWEEN = """| 2 | usage | an unknown command, option or argument |
| 130 | | stopped with Ctrl-C; finished stages are kept |

## Rejects

A bad row ends no run and is never lost. It goes to the `rejects` beside the segment or the items, with file, row
number, reason and raw text, and the log line of its file counts it by reason. Then a gate decides: it refuses
(exit code 3) if their share is above `interactions.gate.max_reject_share` or `catalogue.gate.max_reject_share`. Sound
rows that do not count (repeats, users and items below the k-core, items that the catalogue lacks) are dropped and
counted in the same way. All reasons are listed in [data/README.md](../data/README.md).
"""


def render() -> str:
    """The whole page."""
    parts = [START, *_codes(), BETWEEN]
    for group, sections in GROUPS.items():
        parts.append(f"\n## {group}\n")
        for section, cases in sections.items():
            parts.append(f"\n### {section}\n")
            parts += [_entry(case) for case in cases]
    return "".join(parts)


def _codes() -> Iterator[str]:
    """A row for each error, children after their parents."""
    waiting = list(SidflowError.__subclasses__())
    while waiting:
        each = waiting.pop(0)
        said = (each.__doc__ or "").strip().rstrip(".")
        yield f"| {each.exit_code} | {each.__name__} | {said[0].lower()}{said[1:]} |\n"
        waiting = each.__subclasses__() + waiting


def _entry(case: Case) -> str:
    outcome = f"exit code {case.exit_code}" if case.exit_code else "goes on; the log says"
    title = f"{case.name[0].upper()}{case.name[1:]}"
    return f"\n**{title}.** {case.situation} `{case.line()}`: {outcome}\n\n```text\n{case.message}\n```\n"


if __name__ == "__main__":
    DOCUMENT.write_text(render(), encoding="utf-8")
