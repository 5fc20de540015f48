"""Commands that change what the store holds: rollback, gc, forget."""

import typer

app = typer.Typer()
