"""What every message shares."""

from sidflow.errors import did_you_mean


def test_the_closest_known_name_is_offered() -> None:
    """A name in other letters' order; nothing where none is near, and nothing where none is known."""
    assert did_you_mean("brnad", {"title": 0, "brand": 1}) == " Did you mean 'brand'?"
    assert did_you_mean("weight", ["title", "brand"]) == did_you_mean("brand", []) == ""
