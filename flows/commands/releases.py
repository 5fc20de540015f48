"""Commands that explain and compare releases: explain, releases, diff."""

import typer

app = typer.Typer()
