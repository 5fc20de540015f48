"""Commands that explain and compare releases: explain, releases, diff."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.options import ConfigOption, JsonOption, SetOption
from sidflow.config import load_config

if TYPE_CHECKING:
    from sidflow.artifacts import Store

app = typer.Typer()

NAMES = "current, previous, an id or its start, or a tag."
ReleaseOption = Annotated[str, typer.Option("--release", metavar="RELEASE", help=NAMES)]


@app.command()
def explain(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Item id, title, or a part of one title only.")],
    release: ReleaseOption = "current",
    count: Annotated[int, typer.Option("-n", min=0, help="Most siblings and most partners.")] = 10,
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Why an item has its SID: text, topics, siblings, partners, and how well it is quantised."""
    settings = load_config(config, set_)
    from sidflow.artifacts import Store
    from sidflow.inspection.explanation import explain as find_out
    from sidflow.inspection.naming import name_release

    store = Store(settings.store.root)
    found = find_out(store, name_release(store, release), item, count, settings.catalogue)
    if as_json:
        _print_json(asdict(found))
        return
    from flows.commands.explained import print_explanation

    print_explanation(found)


@app.command()
def releases(
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """List the release log: what was published, withdrawn or rolled back, and how each release ranks."""
    store = _store(config, set_)
    from sidflow.inspection.timeline import list_releases

    lines = list_releases(store)
    if as_json:
        _print_json([asdict(each) for each in lines])
        return
    from flows.commands.compared import print_releases

    print_releases(lines)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help=f"A release: {NAMES}")] = "previous",
    after: Annotated[str, typer.Argument(metavar="B", help="The release to compare with it.")] = "current",
    count: Annotated[int, typer.Option("-n", min=0, help="Most items in a list.")] = 20,
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """What changed from release A to release B: items, SIDs, churn, settings and metrics."""
    store = _store(config, set_)
    from sidflow.inspection.difference import compare_releases
    from sidflow.inspection.naming import name_release

    found = compare_releases(store, name_release(store, before), name_release(store, after), count)
    if as_json:
        _print_json(asdict(found))
        return
    from flows.commands.compared import print_difference

    print_difference(found)


def _store(config: str, overrides: list[str]) -> "Store":
    from sidflow.artifacts import Store

    return Store(load_config(config, overrides).store.root)


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=1, default=_moment))


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
