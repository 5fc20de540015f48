"""The trie of SIDs for constrained decoding."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sidflow.errors import CorruptArtifact, ShapeError
from sidflow.export.language_trie import allowed_tokens, build_sid_trie, generated_items, load_trie, write_trie

SIZES = (3, 4, 2)
CODES = np.array([[2, 1, 0], [0, 3, 1], [2, 1, 1], [2, 0, 0], [0, 3, 1]], np.int16)
IDS = np.arange(100, 109)  # token ids of <a_0> .. <a_2>, <b_0> .. <b_3>, <c_0>, <c_1>
END = 7


def test_children_and_items() -> None:
    """Literal answers: what may follow, and whose SID it is; two items may share one."""
    trie = build_sid_trie(CODES, SIZES)
    assert [trie.children(each).tolist() for each in ([], [2], [2, 1], [0, 3], [1], [2, 2], [2, 1, 0])] == [
        [0, 2],
        [0, 1],
        [0, 1],
        [1],
        [],
        [],
        [],
    ]
    assert sorted(trie.items_of([0, 3, 1]).tolist()) == [1, 4]
    assert trie.items_of([2, 0, 0]).tolist() == [3]
    assert [trie.items_of(each).tolist() for each in ([2, 0], [2, 0, 1], [2, 0, 0, 0])] == [[], [], []]


@given(arrays(np.int16, st.tuples(st.integers(1, 25), st.just(3)), elements=st.integers(0, 1)), st.data())
def test_it_agrees_with_a_search_through_all_rows(codes: np.ndarray, data: st.DataObject) -> None:
    """For every prefix of every length children and items are those that a plain scan finds, of allowed items only."""
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(codes), max_size=len(codes))))
    if not allowed.any():
        allowed[0] = True
    trie = build_sid_trie(codes, (2, 2, 2), allowed)
    rows = [tuple(row) if ok else None for row, ok in zip(codes.tolist(), allowed, strict=True)]
    prefixes = [(), *((a,) for a in range(2)), *((a, b) for a in range(2) for b in range(2))]
    for prefix in prefixes:
        naive = sorted({row[len(prefix)] for row in rows if row and row[: len(prefix)] == prefix})
        assert trie.children(prefix).tolist() == naive
    for sid in np.ndindex(2, 2, 2):
        assert sorted(trie.items_of(sid).tolist()) == [index for index, row in enumerate(rows) if row == sid]


def test_it_is_stored_whole(tmp_path: Path) -> None:
    """Written and loaded it is the same, array by array."""
    trie = build_sid_trie(CODES, SIZES)
    write_trie(trie, tmp_path)
    loaded = load_trie(tmp_path)
    assert loaded.sizes == SIZES
    for mine, theirs in zip((*trie.codes, *trie.starts), (*loaded.codes, *loaded.starts), strict=True):
        assert mine.tolist() == theirs.tolist()
    assert loaded.items_of([2, 1, 1]).tolist() == [2]


def test_what_may_come_next() -> None:
    """After a prompt of four: first codes, then those that go on, then the end, and the end for ever."""
    allowed = allowed_tokens(build_sid_trie(CODES, SIZES), IDS, 4, END)
    prompt = [1, 2, 102, 104]  # the SID tokens of the prompt do not count
    asked = [[], [102], [102, 104], [102, 104, 107], [102, 104, 107, END], [102, 104, 107, END, 0]]
    assert [allowed(0, torch.tensor(prompt + each)) for each in asked] == [
        [100, 102],
        [103, 104],
        [107, 108],
        [END],
        [END],
        [END],
    ]


def test_a_dead_beam_only_ends() -> None:
    """A prefix that does not exist, a token of a wrong level, and no SID token at all."""
    allowed = allowed_tokens(build_sid_trie(CODES, SIZES), IDS, 0, END)
    for ids in ([101], [102, 105], [103], [55]):
        assert allowed(0, torch.tensor(ids)) == [END]


def test_generated_items() -> None:
    """What comes after the SID does not matter; what is no SID names no item."""
    trie = build_sid_trie(CODES, SIZES)
    assert generated_items(trie, IDS, [102, 104, 108, END, 0]).tolist() == [2]
    for ids in ([], [102, 104], [102, 103, 108], [102, 104, 55], [104, 102, 108]):
        assert generated_items(trie, IDS, ids).tolist() == []


def test_nothing_to_generate_is_refused() -> None:
    """All items withdrawn."""
    with pytest.raises(ShapeError, match=r"0 of 5 items may be generated; allowed is 1 or more"):
        build_sid_trie(CODES, SIZES, np.zeros(5, bool))


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    """Missing, no archive, without an array, or truncated: the error names the file and the command."""
    np.savez(tmp_path / "partial.npz", sizes=np.array(SIZES))
    write_trie(build_sid_trie(CODES, SIZES), tmp_path)
    truncated = (tmp_path / "trie.npz").read_bytes()[:-40]
    (tmp_path / "trie.npz").unlink()
    for content in (None, b"junk", (tmp_path / "partial.npz").read_bytes(), truncated):
        if content is not None:
            (tmp_path / "trie.npz").write_bytes(content)
        with pytest.raises(CorruptArtifact, match=r"trie.npz: no trie .*sidflow export language"):
            load_trie(tmp_path)
