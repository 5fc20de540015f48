"""YAML as settings are written."""

import pytest

from sidflow.config.strict_yaml import read_yaml
from sidflow.errors import ConfigError


def test_what_is_good_is_read_as_yaml() -> None:
    """Scalars, lists, and anchors that are merged."""
    text = "a: &shared {x: 1}\nb: {<<: *shared, y: [1, two]}\n"
    assert read_yaml(text, "f") == {"a": {"x": 1}, "b": {"x": 1, "y": [1, "two"]}}


def test_a_merged_key_may_be_overridden() -> None:
    """That is what merging is for."""
    assert read_yaml("a: &s {x: 1}\nb: {<<: *s, x: 2}", "f")["b"] == {"x": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\nb: 2\na: 3",
            "f: cannot be read as YAML: line 3, column 1: the key 'a' is there twice, first in line 1",
        ),
        ("s:\n  k: 1\n  k: 2", "line 3, column 3: the key 'k' is there twice, first in line 2. Leave one of them"),
        ("a:\n\tb: 1", "line 2, column 1: .*Indent with spaces; YAML allows no tabs"),
        ("a: {b", "line 1, column 6: .*needs quotes"),
        ("a: *nowhere", "line 1, column 4: found undefined alias"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("a: \x00", "special characters are not allowed"),
        ("a: 2014-13-45", "month must be in"),
        ("[" * 5000, "cannot be read as YAML"),
        ("? [a, b]\n: 1\n? {c: d}\n: 2", "found unhashable key"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    """The line and column, in one line of text; nothing is ever executed."""
    with pytest.raises(ConfigError, match=message) as caught:
        read_yaml(text, "f")
    assert "\n" not in str(caught.value)
