"""Fingerprints: stable, complete, and refusing what they cannot hold exactly."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidflow.artifacts.fingerprint import canonical_json, file_digest, fingerprint
from sidflow.errors import ArtifactError

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_literal() -> None:
    """The fingerprint of a given recipe never changes: stores in the field depend on it."""
    identity, inputs = {"window": 10, "iota": 0.5}, {"histories": "ab"}
    text = '{"identity":{"iota":0.5,"window":10},"inputs":{"histories":"ab"},"kind":"pairs","revision":1}'
    assert canonical_json({"kind": "pairs", "revision": 1, "inputs": inputs, "identity": identity}) == text
    assert fingerprint("pairs", 1, identity, inputs) == (
        "d86ea73024de5ea70b8eca1d7092dacdfe955a795b0411cdbc730be3bb23c669"
    )


@given(PLAIN)
def test_key_order_does_not_matter(value: object) -> None:
    """A mapping in another order is the same recipe."""
    reversed_ = dict(reversed(list(value.items()))) if isinstance(value, dict) else value
    assert canonical_json(value) == canonical_json(reversed_)


@pytest.mark.parametrize("change", [{"revision": 2}, {"kind": "pair"}, {"identity": {"a": 2}}, {"inputs": {"x": "2"}}])
def test_every_part_of_the_recipe_counts(change: dict) -> None:
    """Kind, revision, settings and inputs each change the fingerprint."""
    recipe = {"kind": "pairs", "revision": 1, "identity": {"a": 1}, "inputs": {"x": "1"}}
    assert fingerprint(**recipe) != fingerprint(**{**recipe, **change})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {1, 2}, Path("x"), b"x", object()])
def test_what_cannot_be_exact_is_refused(value: object) -> None:
    """NaN, sets, paths, bytes and objects raise and say where."""
    with pytest.raises(ArtifactError, match=r"recipe\.deep\[0\]"):
        canonical_json({"deep": [value]})


def test_numbers_that_differ_in_type_differ() -> None:
    """1, 1.0 and true are three recipes."""
    assert len({canonical_json(each) for each in (1, 1.0, True)}) == 3


def test_file_digest(tmp_path: Path) -> None:
    """The digest of `abc` is the one in FIPS 180-2."""
    (tmp_path / "f").write_bytes(b"abc")
    assert file_digest(tmp_path / "f").startswith("ba7816bf8f01cfea414140de5dae2223")
