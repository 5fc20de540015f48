"""Semantic IDs in the vocabulary of a language model: `<a_12><b_7><c_200>`, one added token a level and code."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sidflow.errors import CorruptArtifact, ShapeError

LEVELS = "abcdefghijklmnopqrstuvwxyz"
TOKENS = "added_tokens.json"

_OPENING = re.compile(r"([<\uff1c\ufe64])(?=\S)")  # also the wide and the small form, which NFKC folds into "<"


def sid_tokens(sizes: Sequence[int]) -> list[str]:
    """The added tokens in the order of the pipeline's own token numbers: level by level, code by code.

    Raises:
        ShapeError: If there are more levels than letters.
    """
    if len(sizes) > len(LEVELS):
        raise ShapeError(f"language: {len(sizes)} levels; allowed is {len(LEVELS)}, a letter each. Use fewer levels.")
    return [f"<{letter}_{code}>" for letter, size in zip(LEVELS, sizes, strict=False) for code in range(size)]


def sid_texts(codes: np.ndarray) -> list[str]:
    """Each SID, (N, L), as text: `<a_12><b_7><c_200>`."""
    columns = [
        [f"<{letter}_{code}>" for code in column] for letter, column in zip(LEVELS, codes.T.tolist(), strict=False)
    ]
    return ["".join(row) for row in zip(*columns, strict=True)]


def neutral_text(text: str) -> str:
    """Text of the catalogue that can be no control token of any model and no separator of ours.

    `<` gets a space behind it, so that neither `<a_12>` nor `<|endoftext|>` nor `</s>` survives; `||` is taken apart;
    runs of white space, line breaks too, become one space.
    """
    return " ".join(_OPENING.sub(r"\1 ", text).replace("||", "| |").replace("||", "| |").split())


def write_tokens(sizes: Sequence[int], folder: Path) -> int:
    """Write the added tokens, in order, as the fields of `tokenizers.AddedToken`; returns how many.

    They are matched before the text is normalised, so that a tokenizer that lower-cases cannot turn `<A_12>` into one.
    """
    fields = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    tokens = [{"content": token, **fields} for token in sid_tokens(sizes)]
    lines = ",\n".join(json.dumps(token) for token in tokens)
    (folder / TOKENS).write_text(f"[\n{lines}\n]\n")
    return len(tokens)


def add_sid_tokens(tokenizer: Any, folder: Path) -> np.ndarray:
    """Add the SID tokens of an export to a `transformers` tokenizer.

    Call `model.resize_token_embeddings(len(tokenizer))` afterwards.

    Args:
        tokenizer: Any `PreTrainedTokenizerBase`; changed in place, twice does no harm.
        folder: The folder of `export_language`.

    Returns:
        The tokenizer's id of every SID token, in the order of `sid_tokens`, int64.

    Raises:
        CorruptArtifact: If the folder has no tokens, or the tokenizer splits one.
    """
    from tokenizers import AddedToken

    path = folder / TOKENS
    try:
        tokens = [AddedToken(fields.pop("content"), **fields) for fields in json.loads(path.read_text())]
    except (FileNotFoundError, json.JSONDecodeError, KeyError, AttributeError) as error:
        raise CorruptArtifact(
            f"{path}: no added tokens ({error}); write them again with: sidflow export language-model."
        ) from None
    tokenizer.add_tokens(tokens)
    ids = np.array(tokenizer.convert_tokens_to_ids([token.content for token in tokens]), np.int64)
    if len(np.unique(ids)) != len(ids):
        raise CorruptArtifact(
            f"{path}: the tokenizer gives {len(np.unique(ids)):,} ids to {len(ids):,} tokens; allowed is one each. "
            "It has no room for added tokens: use another tokenizer."
        )
    return ids
