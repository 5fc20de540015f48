"""Every case of bad input has its outcome and its message."""

from pathlib import Path

import pytest

from tests.conftest import make_folder
from tests.errors.case import MESSAGES, Case, run_case
from tests.errors.table import CASES


@pytest.mark.parametrize("case", CASES, ids=[each.name.replace(" ", "-") for each in CASES])
def test_outcome_and_message(case: Case, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The exit code, and the whole report of an error or a line of the log, are as docs/errors.md says."""
    folder = request.getfixturevalue("own_releases") if case.released else make_folder(tmp_path)
    outcome = run_case(case, folder)
    assert outcome.exit_code == case.exit_code, outcome.report
    if case.exit_code:
        assert outcome.report == case.message
    else:
        assert case.message in outcome.log


def test_every_message_belongs_to_a_case() -> None:
    """Names are unique, and messages.toml holds no other."""
    names = [each.name for each in CASES]
    assert len(set(names)) == len(names)
    assert set(MESSAGES) == set(names)
