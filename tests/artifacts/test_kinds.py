"""Stages and what depends on them."""

import pytest

from sidflow.artifacts.kinds import KINDS, check_kind, dependents
from sidflow.errors import ConfigError


def test_dependents() -> None:
    """A decoder takes its evaluation and the release along, pairs take all that reads them."""
    assert dependents("decoder") == {"decoder", "metrics", "release"}
    assert dependents("pairs") == set(KINDS) - {"interactions", "catalogue", "availability", "histories", "embeddings"}
    assert dependents("catalogue") == {*KINDS, "items"} - {"interactions"}
    assert dependents("interactions") == {*KINDS, "segment"}


def test_unknown_stage() -> None:
    """The closest kind is suggested."""
    with pytest.raises(ConfigError, match="Did you mean 'embeddings'"):
        check_kind("embedding", "--until")
    assert check_kind("pairs", "--until") == "pairs"
