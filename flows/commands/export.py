"""Commands that hand results on: export, score."""

import typer

app = typer.Typer()
