"""A guess as a commented configuration that holds what differs from the defaults, and what one may want to change."""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import pyarrow.compute as pc
import yaml

from sidflow.catalogue.rows import renamed_columns
from sidflow.config.inputs import CatalogueColumns
from sidflow.setup.choice import Choice
from sidflow.setup.guess import Guess
from sidflow.setup.names import likely_wanted
from sidflow.setup.profile import Column
from sidflow.setup.sample import Sample
from sidflow.setup.sizes import DEFAULT, fitting_codebooks

_WIDTH = 120
_SMALL_LOG = 500_000


def write_configuration(guess: Guess, out: str) -> str:
    """The text of a pipeline.yaml.

    Args:
        guess: What was found.
        out: The name it will have, which names its store, too.
    """
    sections = [_store(out), _interactions(guess), _catalogue(guess), _histories(guess), _pairs(guess)]
    sections += [_embedding(guess), _quantizer(guess)]
    head = [
        "# Written by `sidflow init`: what it guessed, each with the reason. What is not here is at its default;",
        "# a setting that stands behind a # is a suggestion. Paths are relative to the folder the commands run in.",
    ]
    return "\n".join([*head, *("\n".join(["", *lines]) for lines in sections if lines)]) + "\n"


def _template(guess: Guess) -> str:
    """Title, then the other texts."""
    return ". ".join(["{title}", *(f"{{{name}}}" for name in _renamed(guess, guess.item_roles.texts))])


def _renamed(guess: Guess, names: Sequence[str]) -> list[str]:
    """Source columns by their names in the catalogue."""
    roles = {name: getattr(guess.item_roles, name) for name in CatalogueColumns.model_fields}
    mapping = CatalogueColumns(**{name: choice.column for name, choice in roles.items() if choice is not None})
    renamed = renamed_columns(guess.items.table.column_names, mapping)
    return [renamed[name] for name in names]


def _store(out: str) -> list[str]:
    name = PurePath(out).stem
    root = ".sidflow/store" if name == "pipeline" else f".sidflow/{name}"
    return ["store:", _line(1, "root", root, "artifacts and releases of these data alone; a folder or fsspec URL")]


def _interactions(guess: Guess) -> list[str]:
    roles, columns = guess.log_roles, guess.columns[0]
    lines = ["interactions:", _line(1, "path", guess.log.path, _extent(guess.log)), "  columns:"]
    for role in ("user", "item", "timestamp", "event", "weight"):
        lines += _role(role, getattr(roles, role), columns)
    if roles.order_by is not None:
        why = _reason(roles.order_by, columns)
        lines.append(_line(2, "order_by", [roles.order_by.column], why))
    elif guess.whole_days:
        lines.append("    # order_by: []  # all times are midnights, so within a day the order of the rows decides")
    return [*lines, *_keep(guess)]


def _keep(guess: Guess) -> list[str]:
    """Suggestions of what to count, behind a #."""
    roles, columns = guess.log_roles, guess.columns[0]
    rules = []
    if roles.event is not None:
        counts = pc.value_counts(columns[roles.event.column].values.drop_null()).to_pylist()
        counts.sort(key=lambda each: -each["counts"])
        total = sum(each["counts"] for each in counts)
        shares = ", ".join(f"{each['values']} {each['counts'] / total:.0%}" for each in counts[:4])
        names = [each["values"] for each in counts]
        wanted = next(filter(likely_wanted, reversed(names)), names[0])
        rules.append(_line(0, "events", [wanted], f"count only these; now all do: {shares}"))
    if roles.weight is not None:
        numbers = sorted(columns[roles.weight.column].numbers)
        middle = float(numbers[len(numbers) // 2])
        share = sum(each >= middle for each in numbers) / len(numbers)
        least = int(middle) if middle.is_integer() else middle
        rules.append(_line(0, "min_weight", least, f"count only weights from there up ({share:.0%}); now all do"))
    return ["  # keep:", *(f"  #   {each}" for each in rules)] if rules else []


def _catalogue(guess: Guess) -> list[str]:
    roles, columns = guess.item_roles, guess.columns[1]
    lines = ["catalogue:", _line(1, "path", guess.items.path, _extent(guess.items)), "  columns:"]
    for role in ("item", "title", "available_from", "available"):
        lines += _role(role, getattr(roles, role), columns)
        if role in roles.maybe:
            comment = "its values would fit; map it if that is what it says"
            lines.append("    # " + _line(0, role, roles.maybe[role], comment))
    if guess.from_log:
        lines += [
            "  gate:",
            _line(2, "max_reject_share", 1.0, "the log names an item many times; all but the first are rejects"),
        ]
    return lines


def _histories(guess: Guess) -> list[str]:
    comment = "each user's last event is test; with time, the last days (holdout) are, as for nightly runs"
    return ["histories:", _line(1, "split", "last-out", comment)]


def _pairs(guess: Guess) -> list[str]:
    if guess.log.rows > _SMALL_LOG:
        return []
    comment = f"about {guess.log.rows:,} rows are counted faster without worker processes"
    return ["pairs:", "  dask:", _line(2, "workers", 0, comment)]


def _embedding(guess: Guess) -> list[str]:
    roles = guess.item_roles
    said = "title and other text columns" if roles.texts else "no other text column was found"
    lines = ["embedding:", _line(1, "template", _template(guess), f"{said}; empty ones drop out")]
    if roles.vectors:
        lines.append(
            _line(1, "vectors", _renamed(guess, roles.vectors), "columns of vectors of one length, beside the text")
        )
    return lines


def _quantizer(guess: Guess) -> list[str]:
    sizes = fitting_codebooks(guess.item_count)
    if sizes == DEFAULT:
        return []
    comment = f"for {guess.item_count:,} items: no more codes a level than items, and SIDs to spare"
    return ["quantizer:", _line(1, "codebooks", list(sizes), comment)]


def _role(role: str, choice: Choice | None, columns: dict[str, Column]) -> list[str]:
    return [] if choice is None else [_line(2, role, choice.column, _reason(choice, columns))]


def _reason(choice: Choice, columns: dict[str, Column]) -> str:
    rival = f"; or is it {_printable(choice.rival)}?" if choice.rival is not None else ""
    return f"{choice.why}; such as {columns[choice.column].examples}{rival}"


def _extent(sample: Sample) -> str:
    files = "1 file" if sample.files == 1 else f"{sample.files:,} files"
    return f"{files}, {sample.rows:,} rows" if sample.complete else f"{files}, about {sample.rows:,} rows"


def _line(depth: int, key: str, value: Any, comment: str) -> str:
    """A setting with its comment beside it, or above where the line would be too long."""
    indent = "  " * depth
    setting = f"{indent}{key}: {_scalar(value)}"
    beside = f"{setting}  # {_printable(comment)}"
    return beside if len(beside) <= _WIDTH or not depth else f"{indent}# {_printable(comment)}\n{setting}"


def _scalar(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)
