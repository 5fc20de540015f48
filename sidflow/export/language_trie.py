"""Constrained decoding: the semantic IDs that exist, as flat arrays, for `transformers` generation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from sidflow.dataset.tokens import level_offsets
from sidflow.errors import CorruptArtifact, ShapeError

FILE = "trie.npz"


@dataclass(frozen=True)
class SidTrie:
    """All SIDs in lexicographic order, level by level.

    Shapes: L levels; p_l distinct prefixes of l codes, p_0 = 1; n items.

    Attributes:
        sizes: Codes per level, L of them.
        codes: Per level l = 1 .. L the last code of each prefix, (p_l,) int16, ascending below one parent.
        starts: Per level l = 1 .. L where the children of each shorter prefix begin, (p_(l-1) + 1,) int64.
        item_starts: Where the items of each SID begin, (p_L + 1,) int64.
        items: Row of each item in `items.parquet`, (n,) int64.
    """

    sizes: tuple[int, ...]
    codes: tuple[np.ndarray, ...]
    starts: tuple[np.ndarray, ...]
    item_starts: np.ndarray
    items: np.ndarray

    def children(self, prefix: Sequence[int]) -> np.ndarray:
        """The codes that may follow a prefix, ascending; none after a whole SID or a prefix that does not exist."""
        node = self._find(prefix)
        if node is None or len(prefix) == len(self.sizes):
            return np.empty(0, np.int16)
        begin, end = self.starts[len(prefix)][node : node + 2]
        return self.codes[len(prefix)][begin:end]

    def items_of(self, sid: Sequence[int]) -> np.ndarray:
        """Rows of the items with a SID; none if it does not exist."""
        node = self._find(sid) if len(sid) == len(self.sizes) else None
        return self.items[:0] if node is None else self.items[self.item_starts[node] : self.item_starts[node + 1]]

    def _find(self, prefix: Sequence[int]) -> int | None:
        """The place of a prefix among those of its length."""
        node = 0
        for level, code in enumerate(prefix):
            begin, end = self.starts[level][node : node + 2]
            node = int(begin + np.searchsorted(self.codes[level][begin:end], code))
            if node == end or self.codes[level][node] != code:
                return None
        return node


def build_sid_trie(codes: np.ndarray, sizes: Sequence[int], allowed: np.ndarray | None = None) -> SidTrie:
    """The trie of a SID table.

    Args:
        codes: (N, L).
        sizes: Codes per level, L of them.
        allowed: Items that may be generated, (N,) bool; None: all.

    Raises:
        ShapeError: If no item is allowed.
    """
    rows = np.arange(len(codes)) if allowed is None else np.flatnonzero(allowed)
    if len(rows) == 0:
        raise ShapeError(f"trie: 0 of {len(codes):,} items may be generated; allowed is 1 or more. Check `available`.")
    rows = rows[np.lexsort(codes[rows].T[::-1])]
    table = codes[rows]
    fresh = np.zeros(len(table), bool)
    fresh[0] = True
    parents, level_codes, starts = np.zeros(1, np.int64), [], []
    for level in range(len(sizes)):
        fresh[1:] |= table[1:, level] != table[:-1, level]
        nodes = np.flatnonzero(fresh)
        level_codes.append(np.asarray(table[nodes, level], np.int16))
        starts.append(np.append(np.searchsorted(nodes, parents), len(nodes)))
        parents = nodes
    return SidTrie(tuple(sizes), tuple(level_codes), tuple(starts), np.append(parents, len(rows)), rows)


def write_trie(trie: SidTrie, folder: Path) -> None:
    """Write `trie.npz`: sizes, codes_1 .. codes_L, starts_1 .. starts_L, item_starts and items."""
    arrays: dict[str, Any] = {f"codes_{level}": each for level, each in enumerate(trie.codes, start=1)}
    arrays |= {f"starts_{level}": each for level, each in enumerate(trie.starts, start=1)}
    np.savez_compressed(
        folder / FILE, sizes=np.array(trie.sizes), item_starts=trie.item_starts, items=trie.items, **arrays
    )


def load_trie(folder: Path) -> SidTrie:
    """The trie of an export.

    Raises:
        CorruptArtifact: If there is none, or it is not whole.
    """
    path = folder / FILE
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            levels = range(1, len(stored["sizes"]) + 1)
            return SidTrie(
                tuple(int(size) for size in stored["sizes"]),
                tuple(stored[f"codes_{level}"] for level in levels),
                tuple(stored[f"starts_{level}"] for level in levels),
                stored["item_starts"],
                stored["items"],
            )
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise CorruptArtifact(
            f"{path}: no trie ({error}); write it again with: sidflow export language-model."
        ) from None


def allowed_tokens(
    trie: SidTrie, token_ids: np.ndarray, prompt_length: int, end: int
) -> Callable[[int, Any], list[int]]:
    """What `model.generate` takes as `prefix_allowed_tokens_fn`: after the prompt one existing SID, then the end.

    Args:
        trie: The SIDs that exist.
        token_ids: The tokenizer's ids of the SID tokens, from `add_sid_tokens`.
        prompt_length: Tokens of the prompts, `inputs["input_ids"].shape[1]`; several are padded on the left.
        end: The id that ends a sequence, `tokenizer.eos_token_id`.

    Returns:
        A function of (row of the batch, ids so far) that lists what may come next. Of a beam that is dead already
        (fewer SIDs than beams) it lists the end alone; `generated_items` finds no item for such a one.
    """
    offsets = level_offsets(trie.sizes)

    def allowed(_: int, input_ids: Any) -> list[int]:
        prefix = _codes(trie, token_ids, input_ids[prompt_length:].tolist())
        children = trie.children(prefix) if prefix is not None else ()
        return token_ids[offsets[len(prefix)] + children].tolist() if prefix is not None and len(children) else [end]

    return allowed


def generated_items(trie: SidTrie, token_ids: np.ndarray, generated: Sequence[int]) -> np.ndarray:
    """Rows of `items.parquet` that a generated sequence names, its prompt cut off; none if it is no existing SID."""
    codes = _codes(trie, token_ids, list(generated)[: len(trie.sizes)])
    return trie.items[:0] if codes is None else trie.items_of(codes)


def _codes(trie: SidTrie, token_ids: np.ndarray, ids: list[int]) -> list[int] | None:
    """The codes that ids stand for, or None if one is of another level or no SID token at all."""
    if len(ids) > len(trie.sizes):
        return None
    offsets, codes = level_offsets(trie.sizes), []
    for level, each in enumerate(ids):
        found = np.flatnonzero(token_ids[offsets[level] : offsets[level] + trie.sizes[level]] == each)
        if len(found) == 0:
            return None
        codes.append(int(found[0]))
    return codes
