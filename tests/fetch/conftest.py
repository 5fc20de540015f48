"""Fixtures of the download tests."""

from collections.abc import Iterator

import pytest

from tests.fetch.site import Site, serve


@pytest.fixture
def site() -> Iterator[Site]:
    """A running site without files."""
    with serve(Site()) as running:
        yield running
