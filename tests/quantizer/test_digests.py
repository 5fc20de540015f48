"""Digests of vectors."""

import numpy as np
import pytest

from sidflow.quantizer.digests import grid_cells, group_duplicates, hashed_latents, row_digests
from tests.quantizer.samples import clustered


def test_equal_rows_have_equal_digests() -> None:
    """And rows that differ in one bit have others."""
    vectors = clustered(5)
    vectors[3] = vectors[1]
    vectors[4] = vectors[1]
    vectors[4, 7] = np.nextafter(vectors[4, 7], np.float32(np.inf))
    digests = row_digests(vectors)[:, 0]
    assert digests[1] == digests[3] and len(set(digests.tolist())) == 4


def test_signed_zeros_are_one() -> None:
    """-0 equals 0, whatever its bits."""
    assert np.array_equal(row_digests(np.array([[0.0, 1]])), row_digests(np.array([[-0.0, 1]])))


def test_the_type_of_the_input_does_not_matter() -> None:
    """Half precision values are the same numbers in single precision."""
    half = clustered(5).astype(np.float16)
    assert np.array_equal(row_digests(half), row_digests(half.astype(np.float32)))


def test_words_and_keys() -> None:
    """Three words a row; another key, unrelated digests."""
    vectors = clustered(20)
    assert row_digests(vectors, 3).shape == (20, 3)
    assert not (row_digests(vectors, 3) == row_digests(vectors, 3, b"key")).any()


def test_the_first_of_each_group() -> None:
    """Against a double loop, across a chunk border, from a memory map's order."""
    vectors = clustered(20_000, dim=2)
    vectors[17_000] = vectors[3]
    vectors[19_999] = vectors[3]
    groups = group_duplicates(vectors)
    assert groups[[3, 17_000, 19_999]].tolist() == [3, 3, 3]
    others = np.delete(np.arange(20_000), [17_000, 19_999])
    assert np.array_equal(groups[others], others)


def test_a_memory_map_is_read_in_chunks(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """The same groups as from memory."""
    vectors = np.repeat(clustered(50), 2, axis=0)
    np.save(tmp_path / "v.npy", vectors)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert np.array_equal(group_duplicates(mapped), group_duplicates(vectors))


def test_hashed_latents_are_uniform() -> None:
    """All cells of a level alike, levels independent, a quarter off a cell's centre at most."""
    latents = hashed_latents(clustered(8_000), (16, 20), b"key") + np.array([1.5, 1.5, 2, 2])  # grids of 4 and 5
    cells = np.rint(latents).astype(int)
    first, second = cells[:, 0] * 4 + cells[:, 1], cells[:, 2] * 5 + cells[:, 3]
    assert np.bincount(first, minlength=16) == pytest.approx(np.full(16, 500), abs=100)
    assert np.bincount(second, minlength=20) == pytest.approx(np.full(20, 400), abs=100)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0, abs=0.05)
    assert 0.24 < np.abs(latents - cells).max() <= 0.25


@pytest.mark.parametrize("size", [2, 3, 4, 5, 256, 1_000, 32_768])
def test_grid_cells_are_distinct_and_small(size: int) -> None:
    """As many as asked for, on a square grid around zero."""
    cells = grid_cells(size)
    assert len(np.unique(cells, axis=0)) == size == len(cells)
    assert -cells.min() == cells.max() == (np.ceil(np.sqrt(size)) - 1) / 2
