"""What a run suggests to try next."""

import shlex

import pytest

from flows.commands.summary import argument


@pytest.mark.parametrize("user", ["K-0150", "two words", "it's", "$(reboot)", "-1", "--help", "", "[bold]"])
def test_a_user_is_one_argument(user: str) -> None:
    """Whatever an id holds, a shell hands it over as it is, and behind `--` where it would be an option."""
    words = shlex.split(argument(user))
    assert words[-1] == user
    assert len(words) == (2 if user.startswith("-") else 1)
