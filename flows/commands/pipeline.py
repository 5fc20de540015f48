"""Commands that run flows: run, backfill, serve."""

import json
import sys
from typing import Annotated

import typer

from flows import environment
from flows.commands.options import (
    ConfigOption,
    JsonOption,
    SetOption,
    config_option,
    parse_moment,
    stdout_kept_for_json,
)
from sidflow.artifacts.kinds import check_kind
from sidflow.config import load_config

app = typer.Typer()


@app.command()
def run(
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006 - typer copies it
    as_of: Annotated[
        str | None, typer.Option(help="Logical time, exclusive: date or date-time, UTC if no zone.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Last stage to run.")] = None,
    refresh: Annotated[str | None, typer.Option(metavar="STAGE", help="Stage to make again, and what follows.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the flow `refresh` and print what it made."""
    moment = None if as_of is None else parse_moment(as_of, "--as-of")
    for option, stage in (("--until", until), ("--refresh", refresh)):
        if stage is not None:
            check_kind(stage, option)
    settings = load_config(config, set_)
    with stdout_kept_for_json(as_json) as answer:
        print(f"sidflow: using {environment.prepare()}", file=sys.stderr)
        from flows.commands.summary import print_summary
        from flows.refresh import refresh as flow

        summary = flow(config=config, overrides=tuple(set_), as_of=moment, until=until, redo=refresh)
        if as_json:
            print(summary.model_dump_json(indent=1), file=answer)
        else:
            print_summary(summary, settings, config_option(config, set_))


@app.command()
def backfill(
    start: Annotated[str, typer.Option(help="First logical time.")],
    end: Annotated[str, typer.Option(help="Last logical time, included if the steps reach it.")],
    every: Annotated[str, typer.Option(help="Step: 12h, 7d or 4w.")] = "7d",
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006
    as_json: JsonOption = False,
) -> None:
    """Run `refresh` at several logical times, oldest first; what is done already is not done again."""
    first, last = parse_moment(start, "--start"), parse_moment(end, "--end")
    load_config(config, set_)
    with stdout_kept_for_json(as_json) as answer:
        print(f"sidflow: using {environment.prepare()}", file=sys.stderr)
        from flows.backfill import backfill as flow
        from flows.backfill import list_moments
        from flows.commands.summary import print_backfill

        list_moments(first, last, every)  # refused before a server starts
        summaries = flow(start=first, end=last, every=every, config=config, overrides=tuple(set_))
        if as_json:
            print(json.dumps([each.model_dump(mode="json") for each in summaries], indent=1), file=answer)
        else:
            print_backfill(summaries)


@app.command()
def serve(config: ConfigOption = "pipeline.yaml", set_: SetOption = []) -> None:  # noqa: B006
    """Start a Prefect server with UI on 127.0.0.1 and serve the deployments until stopped."""
    settings = load_config(config, set_)
    environment.prepare()
    from flows.deployments import serve_deployments

    serve_deployments(settings, config, tuple(set_))
