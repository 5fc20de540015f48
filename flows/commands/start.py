"""Commands for one's own data: init, validate."""

import typer

app = typer.Typer()
