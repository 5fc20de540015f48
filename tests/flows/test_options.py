"""What commands share: text of the data on a terminal."""

import io

import pytest
from rich.console import Console

from flows.commands.options import plain


@pytest.mark.parametrize("text", ["[bold]x[/bold]", r"a\[/foo] [x", r"\\[b]", r"\\\[/x]", "[@click=x]y", "[", "a[/b"])
def test_text_of_the_data_is_no_markup(text: str) -> None:
    """It is printed as it is, whatever brackets and backslashes it has, and leaves the markup around it alone."""
    assert printed(f"[bold]{plain(text)}[/bold]|") == f"{text}|"


def test_a_backslash_at_the_end_does_not_reach_what_follows() -> None:
    """The closing tag stays a tag."""
    assert printed(f"[bold]{plain('end' + chr(92))}[/bold]|").replace("\u200b", "") == "end\\|"


@pytest.mark.parametrize("text", ["\x1b[2Jx", "\x9b2Jx", "\rx", "\u202ex"])
def test_a_terminal_obeys_nothing_in_it(text: str) -> None:
    """No escape sequence, no way back on the line, no turned direction."""
    assert printed(plain(text)).startswith("\N{REPLACEMENT CHARACTER}")


def printed(markup: str) -> str:
    """What a console writes."""
    file = io.StringIO()
    Console(file=file, highlight=False, width=200).print(markup)
    return file.getvalue().removesuffix("\n")
