"""SentencePiece over SIDs."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidflow.errors import ConfigError, CorruptArtifact, ShapeError
from sidflow.export.pieces import UNUSED, decode_pieces, encode_pieces, load_pieces, train_pieces

SIZES = (8, 6, 7)


def make_sids(seed: int = 0, items: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Distinct SIDs, and training counts that fall as one over the rank, down to none."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(np.prod(SIZES), items, replace=False)
    codes = np.stack(np.unravel_index(chosen, SIZES), axis=1).astype(np.int16)
    return codes, 200 // np.arange(1, items + 1) * (np.arange(items) < items - 10)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 40))
def test_pieces_give_back_every_sid(seed: int, extra: int) -> None:
    """Whatever the SIDs and the size of the table: one to L pieces an item, none of them row 0, invertible."""
    codes, counts = make_sids(seed)
    model = load_pieces(train_pieces(codes, SIZES, counts, sum(SIZES) + 1 + extra), SIZES)
    for sid, pieces in zip(codes, encode_pieces(codes, model), strict=True):
        assert 1 <= len(pieces) <= 3
        assert all(UNUSED < piece < model.rows for piece in pieces)
        assert decode_pieces(pieces, model).tolist() == sid.tolist()


def test_sids_that_were_never_seen_are_encoded() -> None:
    """Every possible SID of the levels has pieces, although only sixty were learnt from."""
    codes, counts = make_sids()
    model = load_pieces(train_pieces(codes, SIZES, counts, 60), SIZES)
    every = np.stack(np.meshgrid(*map(np.arange, SIZES), indexing="ij"), axis=-1).reshape(-1, 3)
    pieces = encode_pieces(every, model)
    assert [decode_pieces(each, model).tolist() for each in pieces] == every.tolist()


def test_the_first_piece_is_the_most_frequent_pair() -> None:
    """With room for one merge it is the adjacent pair that training interactions show most often."""
    codes = np.array([[0, 1, 2], [0, 1, 3], [4, 1, 2], [5, 5, 5]], np.int16)
    counts = np.array([5, 4, 6, 8])  # pair (1, 2) at levels two and three: 11; (0, 1): 9; (5, 5): 8
    pairs = Counter[tuple[int, int, int]]()
    for sid, count in zip(codes.tolist(), counts.tolist(), strict=True):
        pairs.update({(1, sid[0], sid[1]): count, (2, sid[1], sid[2]): count})
    assert pairs.most_common(1) == [((2, 1, 2), 11)]
    model = load_pieces(train_pieces(codes, SIZES, counts, sum(SIZES) + 2), SIZES)
    assert [len(each) for each in encode_pieces(codes, model)] == [2, 3, 2, 3]


def test_the_same_code_of_two_levels_is_two_pieces() -> None:
    """Code 5 at level one is another character than code 5 at level two."""
    codes, counts = make_sids()
    model = load_pieces(train_pieces(codes, SIZES, counts, sum(SIZES) + 1), SIZES)
    assert len(set(encode_pieces(np.array([[5, 5, 5]]), model)[0])) == 3


def test_popular_items_take_fewer_pieces_than_rare_ones() -> None:
    """The ten most popular items have a piece of their own; the ten that were never seen take more on average."""
    codes, counts = make_sids()
    model = load_pieces(train_pieces(codes, SIZES, counts, 60), SIZES)
    lengths = np.array([len(each) for each in encode_pieces(codes, model)])
    assert lengths[:10].tolist() == [1] * 10
    assert lengths[:10].mean() < lengths[10:50].mean() < lengths[50:].mean()


def test_items_without_training_teach_nothing() -> None:
    """Leaving out the SIDs that have no training interaction makes the same model: what is measured cannot leak."""
    codes, counts = make_sids()
    alone = train_pieces(codes[counts > 0], SIZES, counts[counts > 0], 60)
    assert train_pieces(codes, SIZES, counts, 60) == alone


def test_the_same_input_makes_the_same_bytes() -> None:
    """Training is deterministic."""
    codes, counts = make_sids()
    assert train_pieces(codes, SIZES, counts, 60) == train_pieces(codes, SIZES, counts, 60)


def test_a_table_that_is_too_large_is_not_filled() -> None:
    """When nothing is left to merge, fewer rows come out than asked for, and most items have one of their own."""
    codes, counts = make_sids()
    model = load_pieces(train_pieces(codes, SIZES, counts, 100_000), SIZES)
    assert sum(SIZES) + 1 < model.rows < 1_000
    assert {len(each) for each in encode_pieces(codes[counts > 0], model)} == {1}


def test_more_codes_than_one_plane_of_unicode() -> None:
    """Two levels of 40,000 codes need both private-use planes, and still every SID comes back."""
    codes = np.array([[0, 0], [39_999, 39_999], [25_535, 25_534]], np.int32)
    sizes = (40_000, 40_000)
    with pytest.raises(ShapeError, match=r"150,000 codes over all levels; allowed is 131,068"):
        train_pieces(codes, (75_000, 75_000), np.ones(3, int), 200_000)
    model = load_pieces(train_pieces(codes, sizes, np.ones(3, int), 80_001), sizes)
    assert all(UNUSED not in each and len(each) == 2 for each in encode_pieces(codes, model))


def test_too_few_rows_are_refused() -> None:
    """The message says how many are needed, and why."""
    codes, counts = make_sids()
    with pytest.raises(ConfigError, match=r"pieces: 21 rows for 21 codes; allowed is 22 or more: one a code"):
        train_pieces(codes, SIZES, counts, 21)


@pytest.mark.parametrize(
    "codes", [np.zeros((2, 2), int), np.zeros(3, int), np.array([[0, 6, 0]]), np.array([[-1, 0, 0]])]
)
def test_foreign_codes_are_refused(codes: np.ndarray) -> None:
    """Codes of other levels are no silent row 0."""
    known, counts = make_sids()
    model = load_pieces(train_pieces(known, SIZES, counts, 30), SIZES)
    with pytest.raises(ShapeError, match=r"allowed is \(n, 3\) with codes below \(8, 6, 7\)"):
        encode_pieces(codes, model)


def test_a_model_of_other_sids_is_refused(tmp_path: Path) -> None:
    """A file that is no model, and a model of smaller codebooks, are errors that name the file."""
    codes, counts = make_sids()
    path = tmp_path / "pieces.model"
    path.write_bytes(train_pieces(codes, SIZES, counts, 30))
    with pytest.raises(CorruptArtifact, match=r"pieces.model: lacks a code of the levels \(8, 6, 8\)"):
        load_pieces(path, (8, 6, 8))
    path.write_bytes(b"no model")
    with pytest.raises(CorruptArtifact, match=r"pieces.model: is no SentencePiece model"):
        load_pieces(path, SIZES)
