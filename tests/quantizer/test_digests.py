"""Digests of vectors."""

import numpy as np
import pytest

from sidflow.quantizer.digests import group_duplicates, hashed_latents, row_digests
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
    """Below 1, mean and spread of a uniform number, levels independent."""
    latents = hashed_latents(clustered(8_000), 2, b"key")
    assert latents.min() >= 0 and latents.max() < 1
    assert latents.mean(0) == pytest.approx([0.5, 0.5], abs=0.02)
    assert np.corrcoef(latents.T)[0, 1] == pytest.approx(0, abs=0.05)
