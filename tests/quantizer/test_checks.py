"""What is refused, and how the message reads."""

from dataclasses import replace

import numpy as np
import pytest

from sidflow.errors import DataContractError, ShapeError
from sidflow.quantizer.checks import check_codebooks, check_room, check_vectors, mismatch
from tests.quantizer.samples import clustered, config, literal


def test_good_vectors_pass() -> None:
    """Duplicates are no reason to refuse."""
    check_vectors(np.repeat(clustered(5), 3, axis=0))


def test_a_vector_that_is_not_finite_is_named() -> None:
    """The first bad item, and how many."""
    vectors = clustered(10)
    vectors[7, 2], vectors[9, 0] = np.nan, np.inf
    with pytest.raises(DataContractError, match=r"item 7 is not finite or beyond 1e\+37 \(2 such among items 0 to 9\)"):
        check_vectors(vectors)


def test_numbers_beyond_float32_are_refused() -> None:
    """Finite as float64, infinite as what fits compute with; long before that, differences are."""
    vectors = clustered(10).astype(np.float64)
    check_vectors(np.clip(vectors * 1e39, -1e37, 1e37))
    vectors[4, 0] = 1e39
    with pytest.raises(DataContractError, match=r"item 4 is not finite or beyond 1e\+37"):
        check_vectors(vectors)


def test_equal_vectors_are_refused() -> None:
    """A template that names no distinguishing column."""
    with pytest.raises(DataContractError, match=r"all 4 embeddings are equal.*embedding.template"):
        check_vectors(np.ones((4, 3), np.float32))


def test_vectors_that_differ_by_rounding_alone_are_refused() -> None:
    """One text, embedded in batches of different make-up; an item that differs in the fourth digit is another."""
    vectors = np.repeat(clustered(1), 50, axis=0)
    vectors[::3] = np.nextafter(vectors[::3], np.inf)
    with pytest.raises(DataContractError, match="all 50 embeddings are equal but for rounding"):
        check_vectors(vectors)
    vectors[7, 0] += 1e-4 * np.abs(vectors[7]).max()
    check_vectors(vectors)


def test_empty_and_flat_arrays_are_refused() -> None:
    """No items; not a matrix."""
    with pytest.raises(DataContractError, match="no embeddings"):
        check_vectors(np.zeros((0, 3), np.float32))
    with pytest.raises(ShapeError, match=r"shape \(3,\)"):
        check_vectors(np.zeros(3, np.float32))


def test_fewer_items_than_codes() -> None:
    """The message says what to lower."""
    with pytest.raises(DataContractError, match=r"fewer items than codes: 200 items.*256.*Lower quantizer.codebooks"):
        check_codebooks(200, (256, 8))


def test_more_items_than_sids() -> None:
    """64 SIDs cannot tell 65 items apart; 64 can; a suffix can, and shared SIDs need not."""
    check_room(64, (8, 8), "unique")
    check_room(65, (8, 8), "suffix")
    check_room(65, (8, 8), "allow")
    with pytest.raises(DataContractError, match=r"65 items but only 64 SIDs; .* Raise quantizer.codebooks"):
        check_room(65, (8, 8), "unique")


def test_mismatch_names_the_first_difference() -> None:
    """Between a quantiser and the settings of the next fit."""
    settings = config(method="rq-kmeans", codebooks=(4, 3))
    fitted = replace(literal(), method="rq-kmeans")
    assert mismatch(fitted, settings, 2) is None
    assert mismatch(fitted, settings, 5) == "embedding dimensions were 2, now 5"
    assert mismatch(literal(), settings, 2) == "method were by-hand, now rq-kmeans"
    assert mismatch(fitted, config(method="rq-kmeans"), 2) == "quantizer.codebooks were [4, 3], now [8, 32]"
    fitted = replace(fitted, codebooks=tuple(book[:, :1] for book in fitted.codebooks))
    assert mismatch(fitted, settings, 2) is None  # settings of a network do not bind a method without one
    assert (
        mismatch(replace(literal(), method="rq-vae"), config(codebooks=(4, 3)), 2)
        == "encoder widths were [], now [16, 4]"
    )
