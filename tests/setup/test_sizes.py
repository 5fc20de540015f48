"""Codebooks that fit the number of items."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidflow.quantizer.checks import check_codebooks, check_room
from sidflow.setup.sizes import fitting_codebooks


@given(st.integers(1, 100_000_000))
def test_the_quantiser_accepts_them(items: int) -> None:
    """No level has more codes than there are items, and every item can have its own SID."""
    sizes = fitting_codebooks(items)
    check_codebooks(items, sizes)
    check_room(items, sizes, "unique")


@pytest.mark.parametrize(("items", "codes"), [(40, 8), (96, 16), (1_682, 256), (12_101, 256), (1_000_000, 1_024)])
def test_known_sizes(items: int, codes: int) -> None:
    """Small catalogues get small codebooks, 1,024 to 400,000 items the default."""
    assert fitting_codebooks(items) == (codes, codes, codes)
