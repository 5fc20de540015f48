"""The command that draws a release: report."""

import typer

app = typer.Typer()
