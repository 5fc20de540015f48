"""Commands that look into the store: artifacts, show, recommend."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from flows.commands.control import make_control, parse_like, parse_prefix, parse_where
from flows.commands.options import ConfigOption, JsonOption, SetOption, plain
from sidflow.artifacts import Manifest, Store
from sidflow.artifacts.kinds import check_kind
from sidflow.config import load_config
from sidflow.errors import ConfigError
from sidflow.release import live_release, release_artifact

app = typer.Typer()


@app.command()
def artifacts(
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    failed: Annotated[bool, typer.Option("--failed", help="Only candidates that a gate refused.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the artifacts of the store."""
    store = Store(load_config(config, set_).store.root)
    rows = [_row(store, each) for each in sorted(store.manifests(), key=lambda each: each.created)]
    rows = [each for each in rows if not failed or each["failed"]]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    table = Table("kind", "fingerprint", "state", "rows", "seconds", "created", "refused by")
    for each in rows:
        table.add_row(
            each["kind"],
            each["fingerprint"][:12],
            each["state"],
            f"{each['rows']:,}",
            f"{each['seconds']:.1f}",
            each["created"][:19],
            plain("; ".join(each["failed"])),
        )
    Console(emoji=False).print(table if rows else "No artifacts." if not failed else "No refused candidates.")


@app.command()
def show(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Kind of artifact.")],
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Show the manifest of the current release's artifact of a kind."""
    store = Store(load_config(config, set_).store.root)
    check_kind(kind, "show")
    release = live_release(store)
    artifact = release_artifact(store, release.id) if kind == "release" else release.artifact(kind)
    content = {**json.loads(store.manifest(artifact).model_dump_json()), "location": store.location(artifact)}
    if as_json:
        print(json.dumps(content, indent=1))
        return
    console = Console(emoji=False)
    console.print(f"{kind} of release {release.id}", style="bold")
    console.print_json(data=content)


@app.command()
def recommend(
    users: Annotated[list[str] | None, typer.Argument(metavar="USER...", help="User ids.")] = None,
    history: Annotated[str | None, typer.Option(help="Item ids, oldest first, with commas between.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Items per user.")] = 10,
    where: Annotated[list[str] | None, typer.Option(metavar="COLUMN=VALUE", help="Only items that have it.")] = None,
    prefix: Annotated[str | None, typer.Option(metavar="12-7", help="Only items whose SID begins so.")] = None,
    like: Annotated[str | None, typer.Option(metavar="ITEM[:CODES]", help="Only items with its first codes.")] = None,
    without: Annotated[
        list[str] | None, typer.Option(metavar="ITEM", help="Leave this item out, if there is one.")
    ] = None,
    with_seen: Annotated[bool, typer.Option("--with-seen", help="Items of the history may come again.")] = False,
    quota: Annotated[int | None, typer.Option(min=1, help="Most items under one first code.")] = None,
    temperature: Annotated[
        list[float] | None, typer.Option(min=0.01, max=100, help="Of a level's codes; once a level.")
    ] = None,
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Recommend items from the current release."""
    if bool(users) == bool(history):
        raise ConfigError("recommend: give either user ids or --history ITEM,...; got both or neither.")
    wanted = (parse_where(where or []), parse_prefix(prefix), parse_like(like))
    from sidflow.recommender import load_recommender

    settings = load_config(config, set_)
    store = Store(settings.store.root)
    release = live_release(store)
    given = history.split(",") if history else []
    asked: list[str | Sequence[str]] = [given] if history else list(users or [])
    names = [f"after {', '.join(given)}"] if history else [f"user {each}" for each in users or []]
    recommender = load_recommender(store, release, settings.catalogue)
    filters, spread = make_control(recommender, *wanted, without or [], quota, temperature or [])
    lists = recommender.recommend_many(asked, k, not with_seen, filters, spread)
    if as_json:
        rows = [
            {"for": name, "release": release.id, "items": [asdict(item) for item in items]}
            for name, items in zip(names, lists, strict=True)
        ]
        print(json.dumps(rows, indent=1))
        return
    for name, items in zip(names, lists, strict=True):
        if not items:
            Console(emoji=False).print(
                plain(
                    f"For {name}: nothing. No other item is available (see catalogue.path) and passes "
                    "--where, --prefix, --like and --without."
                )
            )
            continue
        table = Table("", title=plain(f"For {name}"), title_justify="left")
        for column in ("item", "title", "SID", "score", "why"):
            table.add_column(column, overflow="fold")  # an id must be whole, so that it can be asked for
        for rank, item in enumerate(items, start=1):
            texts = (item.item_id, item.title, item.sid, f"{item.score:.4f}", item.reason)
            table.add_row(str(rank), *(plain(each) for each in texts))
        Console(emoji=False).print(table)


def _row(store: Store, manifest: Manifest) -> dict[str, Any]:
    published = store.is_published(manifest)
    verdict = store.storage.read(f"{manifest.folder}/verdict.json")
    gates = json.loads(verdict)["gates"] if verdict else list(manifest.gates)
    failed = [f"{each['expectation']} {each['subject']}={each['observed']}" for each in gates if not each["success"]]
    return {
        "kind": manifest.kind,
        "fingerprint": manifest.fingerprint,
        "state": "published" if published else "candidate",
        "path": store.location(store.artifact(manifest)),
        "rows": manifest.rows,
        "seconds": manifest.seconds,
        "created": manifest.created,
        "failed": failed,
        "failing_rows": store.storage.url(f"{manifest.folder}/failing_rows.jsonl")
        if store.storage.read(f"{manifest.folder}/failing_rows.jsonl")
        else None,
    }
