"""Commands for one's own data: init, validate."""

from typing import Annotated

import typer

from flows.commands.options import (
    ConfigOption,
    JsonOption,
    SetOption,
    config_option,
    parse_moment,
    stdout_kept_for_json,
)

app = typer.Typer()


@app.command()
def init(
    interactions: Annotated[str, typer.Option(help="The log: file, folder, glob or URL.")],
    catalogue: Annotated[
        str | None, typer.Option(help="The items: file, folder, glob or URL. Without, they are sought in the log.")
    ] = None,
    out: Annotated[str, typer.Option(help="Configuration to write.")] = "pipeline.yaml",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Guess the columns of a log and a catalogue, and write a commented configuration."""
    from flows.commands.guess_output import print_guess
    from sidflow.setup.init import initialise

    print_guess(initialise(interactions, catalogue, out, force), out)


@app.command()
def validate(
    config: ConfigOption = "pipeline.yaml",
    set_: SetOption = [],  # noqa: B006 - typer copies it
    as_of: Annotated[
        str | None, typer.Option(help="Logical time, exclusive: date or date-time, UTC if no zone.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Cleaned rows and rejects to show.")] = 5,
    sample_rows: Annotated[int, typer.Option(min=1, help="Rows to read of each input.")] = 100_000,
    as_json: JsonOption = False,
) -> None:
    """Check the configuration and a sample of the inputs, and tell what each stage would do, without running any."""
    from sidflow.config import load_config

    moment = None if as_of is None else parse_moment(as_of, "--as-of")
    settings = load_config(config, set_)
    with stdout_kept_for_json(as_json) as answer:
        from flows.commands.validation_output import exit_code, print_validation, validation_json
        from flows.plan import plan
        from sidflow.setup.look import look_at_inputs

        looks = look_at_inputs(settings, sample_rows, rows)
        stages = plan(settings, moment)
        if as_json:
            print(validation_json(looks, stages, rows), file=answer)
        else:
            print_validation(looks, stages, config_option(config, set_), rows)
        raise typer.Exit(exit_code(looks, stages))
