"""Which rows are of a forgotten user."""

import pyarrow as pa
import pytest

from sidflow.interactions.forgotten import Forgotten, digest_user

SALT = "00ff"


def of(*users: str) -> Forgotten:
    """These users, forgotten."""
    return Forgotten(SALT, frozenset(digest_user(SALT, each) for each in users))


def test_rows() -> None:
    """Exact ids, nulls never; and which users there were."""
    mask, users = of("b", "z").rows(pa.chunked_array([["a", "b"], [None, "B", "b"]], pa.string()))
    assert mask.to_pylist() == [False, True, False, False, True]
    assert users == {digest_user(SALT, "b")}


@pytest.mark.parametrize(
    ("user", "raw"),
    [
        ("b", "b,i,soon"),
        ("b", "i\tb\tsoon"),
        ("b", 'i,"b",soon'),
        ("Smith, Jo", "Smith, Jo,i,soon"),
        ("Smith, Jo", '"Smith, Jo",i'),
        ("12", '{"user_id": 12, "item": null}'),
        ("12", '{"user_id": 12.0}'),
        ("b", '{"user_id": "b", "item'),
        ("b", '{"row": 1, "values": {"user_id": "b"}}'),
    ],
)
def test_raw_rows(user: str, raw: str) -> None:
    """As a field, quoted or not, with the delimiter in it, as a JSON value, in a line that is cut off."""
    assert of(user).in_text(raw)
    assert not of("other").in_text(raw)


def test_part_of_an_id_is_another_id() -> None:
    """`b` is not `bb`."""
    assert not of("b").in_text("bb,i,soon")


def test_the_salt_counts() -> None:
    """The same id has another digest in another store."""
    assert digest_user("1", "b") != digest_user("2", "b")
