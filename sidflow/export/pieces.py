"""SentencePiece over semantic IDs: popular items get long pieces of their own, rare ones share short pieces.

A SID is a sentence of one character a level; every code of every level has its own character, from the private-use
planes of Unicode. Pieces are learnt by byte-pair merges, most frequent first, over the SIDs of training interactions.

Source: Singh et al. 2024, arXiv 2306.08121, SPM-SID: subwords of the SID learnt by SentencePiece from the distribution
of impressed items, one embedding row a subword.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
import sentencepiece as spm

from sidflow.dataset.tokens import item_tokens, token_codes
from sidflow.errors import ConfigError, CorruptArtifact, ShapeError

UNUSED = 0
"""Row 0 is SentencePiece's <unk>: no item has it, so a ranker may use it for padding."""

_PLANES = (range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))


@dataclass(frozen=True)
class PieceModel:
    """A trained model, and the level sizes its characters stand for."""

    processor: spm.SentencePieceProcessor
    sizes: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Rows of the embedding table: pieces, the unused row 0 included."""
        return int(self.processor.get_piece_size())


def train_pieces(codes: np.ndarray, sizes: Sequence[int], counts: np.ndarray, rows: int) -> bytes:
    """Learn pieces from the SIDs of training interactions.

    Shapes: N items, L levels.

    Args:
        codes: The SID table, (N, L).
        sizes: Codes per level, L of them.
        counts: Training interactions of every item, (N,); items without any are not learnt from.
        rows: Rows of the embedding table, at least sum(sizes) + 1: every code alone is a piece, so that every SID,
            a later one too, can be encoded. Fewer come out if there is nothing left to merge.

    Returns:
        The model file's content; the same for the same input.

    Raises:
        ConfigError: If `rows` is too small.
        ShapeError: If there are more codes than characters.
    """
    least = sum(sizes) + 1
    if rows < least:
        raise ConfigError(
            f"pieces: {rows:,} rows for {sum(sizes):,} codes; allowed is {least:,} or more: one a code, and row 0."
        )
    alphabet = _alphabet(sum(sizes))
    sids = (f"{text}\t{n}" for text, n in zip(_texts(codes, sizes), counts.tolist(), strict=True) if n)
    alone = (f"{character}\t1" for character in alphabet)  # else a code that no training item has would be unknown
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=chain(sids, alone),
        input_format="tsv",  # a sentence and how often it counts
        model_writer=model,
        model_type="bpe",
        vocab_size=rows,
        hard_vocab_limit=False,
        required_chars=alphabet,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        split_by_unicode_script=False,
        split_by_number=False,
        unk_id=UNUSED,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return model.getvalue()


def load_pieces(model: bytes | Path, sizes: Sequence[int]) -> PieceModel:
    """A model from `train_pieces`, or from the file that holds it.

    Raises:
        CorruptArtifact: If it is no model, or lacks a code of a level.
    """
    content = model.read_bytes() if isinstance(model, Path) else model
    where = str(model) if isinstance(model, Path) else "pieces"
    try:
        processor = spm.SentencePieceProcessor(model_proto=content)
    except RuntimeError as error:
        raise CorruptArtifact(
            f"{where}: is no SentencePiece model ({error}); export the ranker's files again."
        ) from None
    if any(processor.piece_to_id(character) == UNUSED for character in _alphabet(sum(sizes))):
        raise CorruptArtifact(
            f"{where}: lacks a code of the levels {tuple(sizes)}; allowed is the model of the same SIDs. "
            "Take both from one export."
        )
    return PieceModel(processor, tuple(sizes))


def encode_pieces(codes: np.ndarray, model: PieceModel) -> list[list[int]]:
    """The pieces of SIDs, also of items that came after the training.

    Args:
        codes: (n, L), each in [0, sizes[level]).
        model: A loaded model.

    Returns:
        Per SID 1 to L rows of the embedding table, in [1, model.rows).

    Raises:
        ShapeError: If the codes are not of the model's levels.
    """
    sizes = np.asarray(model.sizes)
    if codes.ndim != 2 or codes.shape[1] != len(sizes) or ((codes < 0) | (codes >= sizes)).any():
        raise ShapeError(
            f"pieces: codes of shape {codes.shape}; allowed is (n, {len(sizes)}) with codes below {model.sizes}. "
            "Take the model of the same release as the SIDs."
        )
    found: list[list[int]] = model.processor.encode(_texts(codes, model.sizes), out_type=int)
    return found


def decode_pieces(pieces: Sequence[int], model: PieceModel) -> np.ndarray:
    """The SID that pieces stand for, (L,) int16: the inverse of `encode_pieces`."""
    text = "".join(model.processor.id_to_piece(int(piece)) for piece in pieces)
    tokens = np.array([_token(character) for character in text], np.int32)
    return token_codes(tokens, model.sizes)


def _texts(codes: np.ndarray, sizes: Sequence[int]) -> list[str]:
    """Each row of codes as a word of L private-use characters."""
    alphabet = np.array(list(_alphabet(sum(sizes))))
    letters = alphabet[item_tokens(np.arange(len(codes)), codes, sizes)]
    return ["".join(row) for row in letters.tolist()]


def _alphabet(total: int) -> str:
    """One character a token, in token order."""
    room = sum(len(plane) for plane in _PLANES)
    if total > room:
        raise ShapeError(
            f"pieces: {total:,} codes over all levels; allowed is {room:,}, the private-use characters of Unicode. "
            "Use n-gram columns, or smaller codebooks."
        )
    return "".join(chr(point) for point in islice(chain(*_PLANES), total))


def _token(character: str) -> int:
    """The inverse of `_alphabet`."""
    first, second = _PLANES
    return ord(character) - first.start if ord(character) in first else ord(character) - second.start + len(first)
