"""Commands that hand results on: export, score."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from flows.commands.options import ConfigOption, JsonOption, SetOption, stdout_kept_for_json
from flows.commands.releases import ReleaseOption
from sidflow.config import load_config
from sidflow.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from sidflow.artifacts import Store
    from sidflow.config import CatalogueConfig
    from sidflow.export.handoff import Exported
    from sidflow.release import Release

app = typer.Typer()

What = Literal["sids", "recommendations", "tokens", "ranker", "language-model"]
WHAT: tuple[What, ...] = get_args(What)
OutOption = Annotated[
    str, typer.Option("--out", help="File or fsspec URL; .parquet, .csv, .jsonl, .csv.gz or .jsonl.gz says the format.")
]
PlaceOption = Annotated[
    str, typer.Option("--out", help="File or URL as for score; a folder for ranker and language-model.")
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace a file that is there, or the folder of an older export.")
]
KOption = Annotated[int, typer.Option("-k", min=1, help="Items per user.")]


@app.command()
def export(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="sids, recommendations, tokens, ranker or language-model.")
    ],
    out: PlaceOption,
    release: ReleaseOption = "current",
    k: KOption = 10,
    force: ForceOption = False,
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Write what a release holds: SIDs, recommendations or tokens to a file; hand-offs to a folder."""
    from sidflow.artifacts import Store
    from sidflow.inspection.naming import name_release

    kind, settings = _kind(what), load_config(config, set_)
    store = Store(settings.store.root)
    chosen = name_release(store, release)
    match kind:
        case "ranker":
            from sidflow.export.ranker import export_ranker

            written = _folder(export_ranker(store, chosen, out, force=force))
        case "language-model":
            from sidflow.export.language import export_language

            written = _folder(export_language(store, chosen, out, force=force, catalogue=settings.catalogue))
        case _:
            written = _file(kind, store, chosen, settings.catalogue, out, k, force)
    _tell({"what": kind, "release": chosen.id, **written}, as_json)


@app.command()
def score(
    out: OutOption,
    release: ReleaseOption = "current",
    k: KOption = 10,
    force: ForceOption = False,
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Recommend to every user by the flow `score`: as `export recommendations`, but seen and scheduled in Prefect."""
    from flows import environment
    from sidflow.export.destination import Destination

    load_config(config, set_)
    Destination.parse(out, force)  # before a server is started
    with stdout_kept_for_json(as_json) as answer:
        print(f"sidflow: using {environment.prepare()}", file=sys.stderr)
        from flows.score import score as flow

        written = flow(out=out, k=k, release=release, force=force, config=config, overrides=tuple(set_))
        _tell(written.model_dump(), as_json, answer)


def _kind(name: str) -> What:
    for known in WHAT:
        if name == known:
            return known
    raise ConfigError(f"export {name}: no such content; allowed: {', '.join(WHAT)}.{did_you_mean(name, WHAT)}")


def _file(
    what: What, store: "Store", release: "Release", catalogue: "CatalogueConfig", out: str, k: int, force: bool
) -> dict[str, Any]:
    from sidflow.export.destination import Destination
    from sidflow.export.rows import sid_rows, token_rows
    from sidflow.export.tables import write_stream

    place = Destination.parse(out, force)
    if what == "recommendations":
        from sidflow.export.scoring import score_users
        from tasks.progress import progress

        with progress("users") as on_progress:
            rows = score_users(store, release, catalogue, place, k, on_progress)
    else:
        rows = write_stream(sid_rows(store, release) if what == "sids" else token_rows(store, release), place)
    return {"path": place.location, "rows": rows}


def _folder(written: "Exported") -> dict[str, Any]:
    return {"path": written.folder, "files": written.files}


def _tell(written: dict[str, Any], as_json: bool, answer: Any = None) -> None:
    if as_json:
        print(json.dumps(written, indent=1), file=answer)
        return
    files = written.get("files")
    content = ", ".join(f"{name} ({rows:,})" for name, rows in files.items()) if files else f"{written['rows']:,} rows"
    print(f"{written['what']} of release {written['release']}: {content} in {written['path']}")
