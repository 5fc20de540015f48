"""What columns are usually called."""

import pytest

from sidflow.setup.names import NAMES, likeness


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("customer", "user"),
        ("uid", "user"),
        ("userId", "user"),
        ("USER_ID", "user"),
        ("visitorid", "user"),
        ("member_no", "user"),
        ("reviewerID", "user"),
        ("sku", "item"),
        ("asin", "item"),
        ("itemid", "item"),
        ("Product ID", "item"),
        ("movieId", "item"),
        ("artikelnr", "item"),
        ("ts", "timestamp"),
        ("at", "timestamp"),
        ("created_at", "timestamp"),
        ("unixReviewTime", "timestamp"),
        ("Datum", "timestamp"),
        ("eventType", "event"),
        ("rating", "weight"),
        ("position", "order_by"),
        ("product_name", "title"),
        ("releaseDate", "available_from"),
        ("in_stock", "available"),
    ],
)
def test_usual_names_in_any_spelling(name: str, role: str) -> None:
    """Cases, separators and endings such as id do not matter."""
    assert likeness(name, role) == 1


@pytest.mark.parametrize(("name", "role"), [("wer", "user"), ("col1", "item"), ("", "user"), ("was", "item")])
def test_odd_names_say_nothing(name: str, role: str) -> None:
    """No role is read into a name that is none of the usual ones."""
    assert likeness(name, role) == 0


def test_a_part_of_a_name_is_a_weaker_hint() -> None:
    """One word of several."""
    assert likeness("user_country", "user") == 0.5


def test_roles_do_not_share_ids() -> None:
    """No name speaks for both user and item."""
    assert not NAMES["user"] & NAMES["item"]
