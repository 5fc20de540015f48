"""What a person reads of releases: `sidflow releases` and `sidflow diff`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from flows.commands.options import plain
from sidflow.inspection.difference import Difference, ListedItem
from sidflow.inspection.timeline import LogLine

BASELINES_SHOWN = ("recall@10", "ndcg@10")
ALIGNED = {True: "comparable", False: "NOT comparable: churn counts names of codes, not meaning", None: "not told"}


def print_releases(lines: Sequence[LogLine]) -> None:
    """One row an entry of the log, the newest last."""
    if not lines:
        Console(emoji=False).print("No releases yet; make one with: sidflow run.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column("release\ntags", no_wrap=True)
    table.add_column("as of\npublished", no_wrap=True)
    table.add_column("log\ndecision")
    for name in ("Recall@10\ngain", "NDCG@10\ngain", "churn", "MB"):
        table.add_column(name, justify="right")
    for line in lines:
        style = "bold" if line.current else "dim" if line.withdrawn else ""
        tags = ", ".join(line.tags)
        when = f"{_day(line.as_of)}\n{_minute(line.at)}"
        table.add_row(plain(f"{line.release}\n{tags}".rstrip()), when, *_worth(line), style=style)
    Console(highlight=False, emoji=False).print(table)


def print_difference(found: Difference) -> None:
    """Both releases, items and SIDs, metrics, settings."""
    console = Console(highlight=False, emoji=False)
    console.print(f"[bold]{found.before.id}[/bold] (as of {_day(found.before.as_of)}, {found.before.items:,} items)")
    console.print(
        f"[bold]{found.after.id}[/bold] (as of {_day(found.after.as_of)}, {found.after.items:,} items, "
        f"decision {found.after.decision})"
    )
    console.print(f"codes     {ALIGNED[found.alignment.aligned]} ({found.alignment.reason})")
    console.print(f"shared    {', '.join(found.shared) or 'nothing'}")
    console.print(f"items     {found.added:,} added, {found.removed:,} removed, {found.moved:,} moved")
    if found.churn["common_items"]:
        console.print(_churn(found))
    console.print(_measures(found))
    if found.settings:
        console.print(_settings(found))
    else:
        console.print("\nThe same settings in all stages.")
    for title, rows, total in (
        ("Added", found.added_items, found.added),
        ("Removed", found.removed_items, found.removed),
    ):
        if rows:
            console.print(_items(f"{title}{_of(len(rows), total)}", rows))
    if found.moved_items:
        console.print(_moved(found))


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if (moment.hour, moment.minute) == (0, 0) else _minute(moment)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _worth(line: LogLine) -> tuple[str, ...]:
    marks = [line.action, *(["current"] if line.current else []), *(["withdrawn"] if line.withdrawn else [])]
    log, worth = plain(", ".join(marks)), line.worth
    if worth is None:
        return (log if line.action == "collect" else f"{log}\n({line.missing})", "", "", "", "")
    churn = "-" if worth.churn is None else f"{worth.churn:.1%}"
    metrics = (_gained(worth.recall, worth.recall_gain), _gained(worth.ndcg, worth.ndcg_gain))
    return (f"{log}\n{worth.decision}", *metrics, churn, f"{worth.bytes / 1e6:,.1f}")


def _gained(value: float, gain: float | None) -> str:
    return f"{value:.4f}" if gain is None else f"{value:.4f}\n{gain:+.4f}"


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False
    )


def _of(shown: int, total: int) -> str:
    return f" ({shown} of {total:,})" if shown < total else ""


def _churn(found: Difference) -> Table:
    table = _table(f"\nChurn of {found.churn['common_items']:,} common items")
    by_item, by_traffic = found.churn["churn_by_level"], found.churn["churn_traffic_by_level"]
    for name in ("share of", *(f"level {level}" for level in range(1, len(by_item) + 1)), "whole SID"):
        table.add_column(name, justify="left" if name == "share of" else "right")
    for name, levels, whole in (("items", by_item, "churn"), ("traffic", by_traffic, "churn_traffic")):
        table.add_row(name, *(f"{share:.2%}" for share in levels), f"{found.churn[whole]:.2%}")
    return table


def _measures(found: Difference) -> Table:
    table = _table("\nTest metrics (more with --json)")
    for name in ("model", "metric"):
        table.add_column(name)
    for name in (found.before.id, found.after.id, "difference"):
        table.add_column(name, justify="right")
    for each in found.measures:
        if each.model != "sidflow" and each.metric not in BASELINES_SHOWN:
            continue
        numbers = ("-" if value is None else f"{value:.4f}" for value in (each.before, each.after))
        gain = "-" if each.difference is None else f"{each.difference:+.4f}"
        table.add_row(each.model.replace("_", " "), each.metric, *numbers, gain)
    return table


def _settings(found: Difference) -> Table:
    table = _table("\nChanged settings")
    for name in ("stage", "field", found.before.id, found.after.id):
        table.add_column(name, overflow="fold")
    for each in found.settings:
        values = (plain(_short(each.field, value)) for value in (each.before, each.after))
        table.add_row(each.stage, each.field, *values)
    return table


def _short(field: str, value: Any) -> str:
    if field.endswith("_us") and isinstance(value, int):
        return _day(datetime.fromtimestamp(value / 1e6, UTC))
    text = "-" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _items(title: str, rows: Sequence[ListedItem]) -> Table:
    table = _table(f"\n{title}")
    table.add_column("item", no_wrap=True)
    table.add_column("title", ratio=1)
    table.add_column("SID", no_wrap=True)
    table.add_column("seen", justify="right")
    for each in rows:
        table.add_row(plain(each.item_id), plain(each.title), each.sid, f"{each.popularity:,}")
    return table


def _moved(found: Difference) -> Table:
    table = _table(f"\nMoved, biggest moves first{_of(len(found.moved_items), found.moved)}")
    table.add_column("item", no_wrap=True)
    table.add_column("title", ratio=2)
    for name in ("level", "seen"):
        table.add_column(name, justify="right")
    table.add_column("old SID and topics", ratio=3)
    table.add_column("new SID and topics", ratio=3)
    for each in found.moved_items:
        old, new = (
            f"{sid}\n{plain(' > '.join(dict.fromkeys(topics)))}".rstrip()
            for sid, topics in ((each.old_sid, each.old_topics), (each.new_sid, each.new_topics))
        )
        table.add_row(plain(each.item_id), plain(each.title), str(each.level), f"{each.popularity:,}", old, new)
    return table
