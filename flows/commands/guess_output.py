"""What a person reads of init."""

from rich.console import Console
from rich.table import Table

from flows.commands.options import config_option, plain
from sidflow.setup.choice import Choice
from sidflow.setup.guess import Guess
from sidflow.setup.profile import Column


def print_guess(guess: Guess, out: str) -> None:
    """The guessed roles with examples and reasons, what was left open, and the next command."""
    console = Console(highlight=False)
    table = Table("input", "role", "column", "such as", "because", title="Guessed", title_justify="left")
    for name, roles, columns in (
        ("log", guess.log_roles, guess.columns[0]),
        ("catalogue", guess.item_roles, guess.columns[1]),
    ):
        for role, choice in roles._asdict().items():
            if isinstance(choice, Choice):
                table.add_row(name, role, *_cells(choice, columns))
    for role, found in (("template", guess.item_roles.texts), ("vectors", guess.item_roles.vectors)):
        if found:
            table.add_row("catalogue", role, plain(", ".join(found)), "", "other text" if role == "template" else "")
    console.print(table)
    if guess.from_log:
        console.print("No --catalogue was given: the items are taken from the log, which has their titles.")
    for note in guess.notes:
        console.print(plain(f"Note: {note}"))
    console.print(plain(f"Written to {out}. Read it, then:"))
    console.print(plain(f"  sidflow validate{config_option(out)}"), style="cyan", soft_wrap=True)


def _cells(choice: Choice, columns: dict[str, Column]) -> tuple[str, str, str]:
    why = choice.why + (f" (or is it {choice.rival}?)" if choice.rival is not None else "")
    return plain(choice.column), plain(columns[choice.column].examples), plain(why)
