"""What a person reads of one item: `sidflow explain`."""

from textwrap import shorten

from rich import box
from rich.console import Console
from rich.table import Table

from flows.commands.options import plain
from sidflow.inspection.explanation import Explanation
from sidflow.inspection.quantised import Quantisation

TITLES, TITLE = 2, 60  # typical titles shown of a prefix, and characters of each


def print_explanation(found: Explanation) -> None:
    """The item, its prefixes, how well it is quantised, siblings and partners."""
    console = Console(highlight=False, emoji=False)
    console.print(f"[bold]{plain(found.title) or '(no title)'}[/bold]")
    console.print(f"item      {plain(found.item_id)} in release {found.release}")
    console.print(f"SID       [bold]{found.sid}[/bold]{'' if found.available else ' (unavailable: not recommended)'}")
    console.print(f"text      {plain(found.text) or '(none)'}")
    seen = found.popularity
    console.print(
        f"seen      {seen.training:,} times in training (rank {seen.rank:,} of {seen.items:,}), {seen.all:,} in all"
    )
    for line in _quantised(found.quantisation):
        console.print(line)
    console.print(_prefixes(found))
    if found.siblings:
        console.print(_siblings(found))
    elif found.prefixes[0].items == 1:
        console.print("\nNo other item has its first code.")
    if found.partners:
        console.print(_partners(found))
    elif not found.partners_found:
        console.print("\nNo mined partners: too few users have it beside another item. See: sidflow show pairs.")


def _quantised(found: Quantisation) -> list[str]:
    shares = " > ".join(f"{each:.1%}" for each in found.residual_shares)
    typical = " > ".join(f"{each:.1%}" for each in found.typical_shares)
    match found.placement:
        case "nearest":
            said = "the SID is the nearest path"
        case "kept":
            said = f"{found.kept} was kept from the release before, although {found.nearest} is nearer now"
        case "moved":
            taken = f", which {plain(found.holder)} has" if found.holder else ""
            said = f"moved to be unique: {found.nearest} is nearer{taken}"
        case "unknown":
            said = f"{found.nearest} is nearer; why it is not taken was lost with the release before"
    return [f"residual  {shares} level by level (typical {typical})", f"path      {said}"]


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False
    )


def _prefixes(found: Explanation) -> Table:
    table = _table("\nPrefixes")
    table.add_column("prefix", no_wrap=True)
    table.add_column("items", justify="right")
    table.add_column("topic")
    told = any(each.titles for each in found.prefixes)
    if told:
        table.add_column("typical titles")
    for each in found.prefixes:
        titles = "; ".join(plain(shorten(title, TITLE, placeholder="…")) for title in each.titles[:TITLES])
        table.add_row(each.prefix, f"{each.items:,}", plain(each.topic), *([titles] if told else []))
    return table


def _siblings(found: Explanation) -> Table:
    table = _table("\nNearest siblings")
    table.add_column("item", no_wrap=True)
    table.add_column("title", ratio=1)
    table.add_column("SID", no_wrap=True)
    for name in ("levels", "distance", "cosine"):
        table.add_column(name, justify="right")
    for each in found.siblings:
        numbers = (str(each.shared), f"{each.distance:.3f}", f"{each.cosine:.2f}")
        table.add_row(plain(each.item_id), plain(each.title), each.sid, *numbers)
    return table


def _partners(found: Explanation) -> Table:
    shown, total = len(found.partners), found.partners_found
    table = _table(f"\nMined partners{f' ({shown} of {total:,})' if shown < total else ''}")
    table.add_column("item", no_wrap=True)
    table.add_column("title", ratio=1)
    table.add_column("SID", no_wrap=True)
    for name in ("users", "expected", "PMI"):
        table.add_column(name, justify="right")
    table.add_column("tier")
    for each in found.partners:
        numbers = (f"{each.support:,}", f"{each.expected:.2f}", f"{each.pmi:.2f}")
        tier = each.tier + (", held out" if each.heldout else "")
        table.add_row(plain(each.item_id), plain(each.title), each.sid, *numbers, tier)
    return table
