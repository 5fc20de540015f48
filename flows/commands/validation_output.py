"""What a person or a program reads of validate."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from flows.commands.options import plain
from flows.plan import PlannedStage
from sidflow.setup.looked import InputLook, Looks, examples
from sidflow.sources import count_reasons

_SHOWN_CHARACTERS = 40
_SHOWN_COLUMNS = 6
_READABLE = 12  # characters of a column that is cut
_BETWEEN = 3
_HIDDEN = ("row", "source", "available")
_STATES = {
    "cached": "cached",
    "publish": "would be published",
    "run": "would run",
    "refused": "REFUSED",
    "fails": "FAILS",
    "waits": "would not run",
}


def print_validation(looks: Looks, stages: Sequence[PlannedStage], again: str, shown: int) -> None:
    """The first cleaned rows, rejects, texts, what each stage would do, and the verdict.

    Args:
        looks: What was seen of the inputs.
        stages: The plan.
        again: Options that name the same configuration, for the next command.
        shown: Rows, rejects and texts to show.
    """
    console = Console(highlight=False)
    _print_input(console, "Interactions", looks.interactions, shown)
    _print_input(console, "Catalogue", looks.catalogue, shown)
    if looks.known_share is not None:
        extent = "" if looks.catalogue.complete else " read"
        console.print(f"{looks.known_share:.1%} of the interactions read are with items of the catalogue{extent}.")
    for text in looks.texts[:shown]:
        console.print(plain(f'Text to embed: "{_shortened(text, 100)}"'))
    console.print(_stages(stages))
    refused = [each.why for each in stages if each.state == "refused"]
    for kind, messages in (
        ("Warning", looks.warnings),
        ("Refused", refused),
        ("Problem", problems(looks, stages)),
    ):
        for message in messages:
            console.print(plain(f"{kind}: {message}"), style="yellow" if kind == "Warning" else "red")
    if not exit_code(looks, stages):
        mind = "A run can start; what is warned of above may end it:"
        console.print(mind if looks.warnings else "Nothing stands against a run:")
        console.print(plain(f"  sidflow run{again}"), style="cyan", soft_wrap=True)


def validation_json(looks: Looks, stages: Sequence[PlannedStage], shown: int) -> str:
    """The same as one JSON object."""
    content = {
        "runnable": exit_code(looks, stages) == 0,
        "interactions": looks.interactions.to_json(shown),
        "catalogue": looks.catalogue.to_json(shown),
        "known_item_share": looks.known_share,
        "unknown_items": list(looks.unknown),
        "texts": list(looks.texts),
        "stages": [each.model_dump() for each in stages],
        "warnings": looks.warnings,
        "problems": problems(looks, stages),
    }
    return json.dumps(content, indent=1, ensure_ascii=False)


def problems(looks: Looks, stages: Sequence[PlannedStage]) -> list[str]:
    """All that stops a run, each once."""
    return list(dict.fromkeys([*looks.problems, *(each.why for each in stages if each.state == "fails")]))


def exit_code(looks: Looks, stages: Sequence[PlannedStage]) -> int:
    """0 a run can start, 2 it cannot, 3 a gate refuses what is there."""
    if problems(looks, stages):
        return 2
    return 3 if any(each.state == "refused" for each in stages) else 0


def _print_input(console: Console, title: str, look: InputLook, shown: int) -> None:
    if not look.source_rows:
        console.print(f"[bold]{title}[/bold] {plain(look.path)}: nothing was read", soft_wrap=True)
        return
    extent = "all" if look.complete else "the first"
    files = f"{look.files:,} file{'s' * (look.files != 1)}"
    console.print(
        f"[bold]{title}[/bold] {plain(look.path)}: {files}, {extent} {look.source_rows:,} rows read", soft_wrap=True
    )
    if look.cleaned.num_rows:
        console.print(_first_rows(look.cleaned, shown, console.width))
    for rule, count in look.not_kept.items():
        console.print(f"  {count:,} rows are not kept by the rule on {rule}")
    counts = ", ".join(f"{count:,} {reason}" for reason, count in count_reasons(look.rejects).items())
    if look.rejects.num_rows:
        console.print(plain(f"  rejected {look.reject_share:.2%} (the gate allows {look.limit:.0%}): {counts}"))
    for each in examples(look.rejects, shown):
        console.print(plain(f"    {each['file']} row {each['row']:,}: {each['reason']}: {_shortened(each['raw'], 70)}"))


def _first_rows(cleaned: pa.Table, shown: int, width: int) -> Table:
    rows = cleaned[:shown]
    names = [name for name in cleaned.column_names if name not in _HIDDEN and rows[name].null_count < len(rows)]
    cells = {name: [_cell(value) for value in rows[name].to_pylist()] for name in names[:_SHOWN_COLUMNS]}
    widths = _fitting({name: max(map(cell_len, [name, *texts])) for name, texts in cells.items()}, width)
    hidden = len(names) - len(widths)
    caption = f"and {hidden:,} more column{'s' * (hidden > 1)}" if hidden > 0 else None
    table = Table(show_edge=False, pad_edge=False, caption=caption, caption_justify="left")
    for name in widths:
        table.add_column(plain(name), no_wrap=True, overflow="ellipsis", width=widths[name])
    for row in zip(*(cells[name] for name in widths), strict=True):
        table.add_row(*map(plain, row))
    return table


def _fitting(longest: dict[str, int], width: int) -> dict[str, int]:
    """The first columns that fit side by side, each readable, and their widths; what is spare goes to the first."""
    widths: dict[str, int] = {}
    spare = width
    for name, wanted in longest.items():
        least = min(wanted, _READABLE)
        if widths and least + _BETWEEN > spare:
            break
        widths[name] = least
        spare -= least + _BETWEEN
    for name in widths:
        more = min(longest[name] - widths[name], max(spare, 0))
        widths[name] += more
        spare -= more
    return widths


def _stages(stages: Sequence[PlannedStage]) -> Table:
    table = Table("stage", "a run", "because", title="What a run would do", title_justify="left")
    for each in stages:
        why = f"made {each.made[:16]}" if each.state == "cached" and each.made else each.why
        table.add_row(each.kind, _STATES[each.state], plain("see below" if each.state in ("fails", "refused") else why))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"  # UTC
    if isinstance(value, list):
        return f"{len(value)} numbers"
    return _shortened("" if value is None else f"{value}", _SHOWN_CHARACTERS)


def _shortened(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 3]}..."
