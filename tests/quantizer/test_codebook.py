"""Encoding, assigning and quantising."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.errors import ShapeError
from sidflow.quantizer.baselines import fit_rq_kmeans
from sidflow.quantizer.codebook import Quantizer, nearest_codes, unit_rows
from tests.quantizer.samples import clustered, literal


def test_assign_takes_nearest_then_nearest_of_the_rest() -> None:
    """Each level quantises what the earlier one left over."""
    latents = np.array([[0.1, 0.9], [5.1, 0.2], [3.9, 4.2]], np.float32)
    assert literal().assign(latents).tolist() == [[0, 2], [1, 1], [3, 0]]
    assert literal().assign(latents).dtype == np.int16


def test_ties_go_to_the_lowest_code() -> None:
    """A latent midway between two corners takes the first."""
    assert literal().assign(np.array([[2, 0], [0, 2], [2, 2]], np.float32))[:, 0].tolist() == [0, 0, 0]


def test_bias_makes_a_code_look_farther() -> None:
    """A bias is added to the squared distance, at its own level only."""
    biased = replace(literal(), biases=(np.array([5, 0, 0, 0], np.float32), np.zeros(3, np.float32)))
    latents = np.array([[1.4, 0], [1.3, 0]], np.float32)  # squared distances 1.96 + 5 > 6.76, 1.69 + 5 < 7.29
    assert biased.assign(latents)[:, 0].tolist() == [1, 0]


def test_quantise_sums_code_vectors() -> None:
    """The sum over levels, or over the levels of a prefix."""
    assert literal().quantise(np.array([[1, 2], [3, 1]])).tolist() == [[4, 1], [5, 4]]
    assert literal().quantise(np.array([[3]])).tolist() == [[4, 4]]


def test_encode_centres_scales_and_applies_relu_between_layers() -> None:
    """(3, 4) - (0, 0) has length 5; the hidden layer clips its negative unit; the last layer does not clip."""
    hidden = (np.array([[5, 0], [0, -5]], np.float32), np.zeros(2, np.float32))
    last = (np.array([[-1, 1]], np.float32), np.array([0.5], np.float32))
    quantizer = Quantizer(
        np.zeros(2, np.float32), (hidden, last), (np.zeros((2, 1), np.float32),), (np.zeros(2, np.float32),), "by-hand"
    )
    assert quantizer.encode(np.array([[3.0, 4.0]])) == pytest.approx(np.array([[-2.5]]))


def test_a_vector_equal_to_the_mean_encodes_as_zero() -> None:
    """It has no direction; nothing becomes NaN."""
    quantizer = replace(literal(), mean=np.array([1, 2], np.float32))
    assert quantizer.encode(np.array([[1, 2]], np.float32)).tolist() == [[0, 0]]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 9), st.integers(1, 5))
def test_assign_equals_a_double_loop(seed: int, n: int, k: int, dim: int) -> None:
    """Greedy assignment against distances written out in float64."""
    rng = np.random.default_rng(seed)
    books = tuple(rng.standard_normal((k, dim)).astype(np.float32) for _ in range(3))
    biases = tuple(rng.random(k).astype(np.float32) for _ in range(3))
    quantizer = Quantizer(np.zeros(dim, np.float32), (), books, biases, "by-hand")
    latents = rng.standard_normal((n, dim)).astype(np.float32)
    for latent, codes in zip(latents, quantizer.assign(latents), strict=True):
        residual = latent.astype(np.float64)
        for code, book, bias in zip(codes, books, biases, strict=True):
            scores = ((residual - book) ** 2).sum(1) + bias
            assert scores[code] <= scores.min() + 1e-4
            residual = residual - book[code]


def test_nearest_codes_without_bias_equals_zero_bias() -> None:
    """None stands for zeros."""
    rng = np.random.default_rng(0)
    points, book = rng.standard_normal((50, 3)).astype(np.float32), rng.standard_normal((7, 3)).astype(np.float32)
    assert np.array_equal(nearest_codes(points, book), nearest_codes(points, book, np.zeros(7, np.float32)))


def test_unit_rows_keeps_a_zero_row() -> None:
    """Length one, or zero."""
    assert unit_rows(np.array([[3, 4], [0, 0]], np.float32)) == pytest.approx(np.array([[0.6, 0.8], [0, 0]]))


@pytest.mark.parametrize("scale", [1e-45, 1e-30, 1e-12, 1, 1e25, 1e37])
def test_unit_rows_of_any_length(scale: float) -> None:
    """Squares that float32 cannot hold change nothing; lengths in one call may differ."""
    rows = np.array([[3, 4], [-4, 3]]) * [[1], [scale]]
    tolerance = 0.2 if scale == 1e-45 else 1e-6  # the smallest numbers have one digit
    assert unit_rows(rows.astype(np.float32)) == pytest.approx(np.array([[0.6, 0.8], [-0.8, 0.6]]), abs=tolerance)


@pytest.mark.parametrize("scale", [2.0**-100, 2.0**80])
def test_codes_do_not_depend_on_the_unit_of_the_vectors(scale: float) -> None:
    """The same codes for tiny and for huge numbers."""
    vectors = clustered()
    plain = fit_rq_kmeans(vectors, (8, 8), seed=0)
    scaled = fit_rq_kmeans(vectors * np.float32(scale), (8, 8), seed=0)
    assert np.array_equal(
        scaled.assign(scaled.encode(vectors * np.float32(scale))), plain.assign(plain.encode(vectors))
    )


def test_wrong_shapes_are_named() -> None:
    """The message gives both shapes."""
    with pytest.raises(ShapeError, match=r"vectors have shape \(1, 3\), this by-hand was fitted on \(n, 2\)"):
        literal().encode(np.zeros((1, 3)))
    with pytest.raises(ShapeError, match=r"latents have shape \(1, 3\), allowed is \(n, 2\)"):
        literal().assign(np.zeros((1, 3)))
    with pytest.raises(ShapeError, match="allowed are 1 to 2 columns"):
        literal().quantise(np.zeros((1, 3), np.int16))
