"""Commands that change what the store holds: rollback, gc, forget."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from flows.commands.options import ConfigOption, JsonOption, SetOption, config_option
from sidflow.artifacts import Store
from sidflow.config import load_config
from sidflow.lifecycle.grace import parse_grace

app = typer.Typer()


@app.command()
def rollback(
    release: Annotated[
        str | None, typer.Argument(metavar="[RELEASE]", help="Id, start of one, or tag; default: what was live before.")
    ] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw the current release for good.")] = False,
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006 - typer copies it
    as_json: JsonOption = False,
) -> None:
    """Make an older release live; it is checked first."""
    store = Store(load_config(config, set_).store.root)
    from flows.commands.lifecycle_text import print_rollback
    from flows.events import tell_rollback
    from sidflow.lifecycle.rollback import roll_back

    done = roll_back(store, release, withdraw)
    told = tell_rollback(done)
    if as_json:
        answer = {"release": done.live.release, "as_of": done.live.as_of.isoformat(), "from": done.left}
        print(json.dumps({**answer, "withdrawn": done.withdrawn, "event": told is not None}, indent=1))
        return
    print_rollback(Console(highlight=False, emoji=False), done, told, config_option(config, set_))


@app.command()
def gc(
    apply: Annotated[bool, typer.Option("--apply", help="Delete; without, only show.")] = False,
    grace: Annotated[
        str, typer.Option(help="What was written or used so recently stays, such as 0h, 24h or 7d.")
    ] = "24h",
    forgotten: Annotated[
        bool, typer.Option("--forgotten", help="Also collect releases that hold rows of forgotten users.")
    ] = False,
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Show what the store can do without; --apply deletes it."""
    period = parse_grace(grace)
    settings = load_config(config, set_)
    store = Store(settings.store.root)
    from flows.commands.lifecycle_text import plan_json, print_left, print_plan
    from sidflow.interactions.tombstones import read_forgotten
    from sidflow.lifecycle.collect import Terms, collect, plan_collection
    from sidflow.lifecycle.traces import find_traces

    traces = find_traces(store, read_forgotten(store))[0] if forgotten else ()
    terms = Terms(settings.release.keep, period, frozenset(each.release for each in traces if each.rows))
    plan = collect(store, terms) if apply else plan_collection(store, terms)
    left = find_traces(store, read_forgotten(store))[1] if forgotten else {}
    if as_json:
        print(json.dumps(plan_json(plan, apply, left), indent=1))
        return
    print_plan(Console(highlight=False, emoji=False), plan, apply)
    if forgotten:
        print_left(Console(highlight=False, emoji=False), plan, left, config_option(config, set_))


@app.command()
def forget(
    users: Annotated[list[str], typer.Argument(metavar="USER...", help="User ids, as the interactions write them.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Remove users' rows from the store and keep them out of everything made later."""
    settings = load_config(config, set_)
    store = Store(settings.store.root)
    from flows.commands.lifecycle_text import commands, print_forgotten
    from sidflow.lifecycle.forget import forget_users

    done, again = forget_users(store, users, dry_run), config_option(config, set_)
    if as_json:
        answer = {**asdict(done), "raw": settings.interactions.path, "commands": commands(done, again)}
        print(json.dumps(answer, indent=1, default=str))
        return
    print_forgotten(Console(highlight=False, emoji=False), done, settings.interactions.path, again)
