"""Precomputed vectors, and blocks side by side."""

import numpy as np
import pyarrow as pa
import pytest

from sidflow.embedding.blocks import join_blocks, read_block
from sidflow.errors import ConfigError, DataContractError


def column(values: object, kind: pa.DataType | None = None) -> pa.Table:
    """A catalogue of one vector column named `image`."""
    array = pa.array(values, kind or pa.list_(pa.float64()))
    return pa.table({"item_id": [f"i{row}" for row in range(len(array))], "image": array})


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.int64()), pa.list_(pa.float64(), 2)])
def test_vectors_become_unit_vectors(kind):
    """3-4-5: whatever the kind of list."""
    block, missing = read_block(column([[3, 4], [0, -2]], kind), "image")
    np.testing.assert_allclose(block, [[0.6, 0.8], [0, -1]], rtol=1e-6)
    assert block.dtype == np.float32
    assert missing == 0


def test_items_without_a_usable_vector_are_zero_and_counted():
    """No list, an empty one, zeros, NaN and infinity are no vectors."""
    rows = [None, [], [0.0, 0.0], [float("nan"), 1.0], [1.0, float("inf")], [1.0, None], [2.0, 0.0]]
    block, missing = read_block(column(rows), "image")
    np.testing.assert_array_equal(block, [[0, 0]] * 6 + [[1, 0]])
    assert missing == 6


def test_missing_rows_of_fixed_size_lists_do_not_shift_the_others():
    """Row k stays item k."""
    block, missing = read_block(column([None, [0.0, 2.0]], pa.list_(pa.float32(), 2)), "image")
    np.testing.assert_array_equal(block, [[0, 0], [0, 1]])
    assert missing == 1


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_tiny_and_huge_numbers_neither_vanish_nor_overflow(scale):
    """Norms are taken after scaling."""
    block, _ = read_block(column([[3 * scale, 4 * scale]]), "image")
    np.testing.assert_allclose(block, [[0.6, 0.8]], rtol=1e-6)


def test_vectors_of_two_lengths_are_refused():
    """The message names an item and both lengths."""
    with pytest.raises(DataContractError, match=r"vectors of 2 and of 3 numbers \(item 'i1'\)"):
        read_block(column([[1, 2], [1, 2, 3]]), "image")


def test_column_without_any_vector_is_refused():
    """An empty column would be a block of no dimensions."""
    with pytest.raises(DataContractError, match=r"no item has a vector\. Take it out of embedding\.vectors"):
        read_block(column([None, []]), "image")


def test_unknown_column_is_refused():
    """The message names the columns there are."""
    with pytest.raises(ConfigError, match=r"no column 'audio'; it has: image, item_id"):
        read_block(column([[1, 2]]), "audio")


def test_column_of_text_is_refused():
    """The message names the type that was found."""
    with pytest.raises(ConfigError, match=r"'image' is string; allowed are lists of numbers"):
        read_block(column(["1 2"], pa.string()), "image")


def test_one_block_is_taken_as_it_is():
    """Nothing is copied or rounded."""
    block = np.eye(2, dtype=np.float32)
    assert join_blocks([block]) is block


def test_dot_product_of_joined_blocks_is_the_mean_of_cosines():
    """Blocks weigh the same whatever their dimensions."""
    text = np.array([[1, 0], [1, 0]], np.float32)
    image = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    joined = join_blocks([text, image])
    assert joined[0] @ joined[1] == pytest.approx((1 + 0) / 2)
    np.testing.assert_allclose(np.linalg.norm(joined, axis=1), 1, rtol=1e-6)


def test_item_without_one_block_is_still_a_unit_vector():
    """The blocks there are share the weight."""
    joined = join_blocks([np.array([[0, 1]], np.float32), np.zeros((1, 3), np.float32)])
    np.testing.assert_array_equal(joined, [[0, 1, 0, 0, 0]])
