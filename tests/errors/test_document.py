"""docs/errors.md is what the table says."""

from sidflow.errors import SidflowError
from tests.errors.document import DOCUMENT, render
from tests.errors.table import CASES


def test_the_page_is_up_to_date() -> None:
    """Write it anew with: python -m tests.errors.document."""
    assert DOCUMENT.read_text(encoding="utf-8") == render()


def test_every_case_and_every_error_is_on_the_page() -> None:
    """Nothing of the table is left out."""
    page = render()
    assert all(case.message in page and case.situation in page for case in CASES)
    assert all(f"| {each.__name__} |" in page for each in SidflowError.__subclasses__())
