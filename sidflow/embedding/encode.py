"""Stage `embeddings`: one unit vector an item, from its text and its precomputed vectors."""

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sidflow.config import EmbeddingConfig
from sidflow.device import best_device, resolve_precision
from sidflow.embedding import model
from sidflow.embedding.blocks import join_blocks, read_block
from sidflow.embedding.cache import KEY, Encoded, find_vectors, keep_vectors
from sidflow.embedding.table import Embeddings
from sidflow.embedding.text import render_texts

logger = logging.getLogger(__name__)

KEEP_SECONDS: Final = 20.0
"""A killed run loses at most this much work."""

Facts = dict[str, Any]
OnProgress = Callable[[int, int], None]


def encode_items(
    catalogue: pa.Table, config: EmbeddingConfig, cache_folder: Path | None, on_progress: OnProgress | None = None
) -> tuple[Embeddings, Facts]:
    """One unit vector an item: its text, and beside it the precomputed vectors of `config.vectors`.

    Equal texts are encoded once, and what the cache has not at all. An item without text takes its title, else its id.

    Args:
        catalogue: N items with `item_id`, in catalogue order.
        config: The section `embedding`.
        cache_folder: Where vectors are kept between runs; None keeps none.
        on_progress: Is told how many of the texts that must be encoded are done.

    Returns:
        Embeddings (N, d), and facts: items, dim, texts (distinct ones), encoded, from_cache, empty_texts,
        truncated_texts, without_vector (by column), distinct_share, finite, model, model_digest, precision, seconds.

    Raises:
        ConfigError: If the template, a vector column or the model is not usable.
        DataContractError: If precomputed vectors differ in length.
    """
    began = time.perf_counter()
    blocks, without = [], {}
    for name in config.vectors:
        block, without[name] = read_block(catalogue, name)
        blocks.append(block)
    texts, empty = _texts(catalogue, config.template)
    distinct = pa.array(texts, pa.large_string()).dictionary_encode()
    encoder = _Encoder(config, cache_folder)
    encoded, from_cache = encoder.encode(distinct.dictionary.to_pylist(), on_progress)
    vectors = join_blocks([encoded.vectors[distinct.indices.to_numpy()], *blocks])
    facts = {
        "items": len(texts),
        "dim": vectors.shape[1],
        "texts": len(encoded.known),
        "encoded": len(encoded.known) - from_cache,
        "from_cache": from_cache,
        "empty_texts": empty,
        "truncated_texts": int(encoded.cut.sum()),
        "without_vector": without,
        "distinct_share": _distinct_share(vectors),
        "finite": bool(np.isfinite(vectors).all()),
        "model": config.model,
        "model_digest": encoder.digest,
        "precision": encoder.precision,
        "seconds": round(time.perf_counter() - began, 3),
    }
    logger.info(
        "embeddings: %d items, %d texts encoded, %d from the cache, %d dimensions, %.1f s",
        *(facts[name] for name in ("items", "encoded", "from_cache", "dim", "seconds")),
    )
    return Embeddings(catalogue["item_id"].combine_chunks(), vectors), facts


def model_digest(config: EmbeddingConfig) -> str:
    """What tells the text model from others: SHA-256 of a local model's content, or `hub:` and the name.

    Raises:
        ConfigError: If a folder is not there, or holds no weights in safetensors format.
    """
    return model.model_digest(config.model)


def encoder_identity(config: EmbeddingConfig) -> str:
    """SHA-256 of all that decides on the space of the vectors; other vectors cannot be compared with these.

    Precision enters as it is written: `auto` means the same space everywhere, to 1e-3, whatever the machine has.
    """
    parts = [model_digest(config), config.template, list(config.vectors), config.max_tokens, config.precision]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class _Encoder:
    """Texts to vectors by way of the cache; the model is loaded when the first text is missing there."""

    def __init__(self, config: EmbeddingConfig, cache_folder: Path | None):
        self.config, self.folder = config, cache_folder
        self.digest = model_digest(config)
        self.precision = resolve_precision(config.precision, best_device())

    def encode(self, texts: Sequence[str], on_progress: OnProgress | None) -> tuple[Encoded, int]:
        """Vectors of n distinct texts, and how many of them the cache had."""
        keys = self._keys(texts)
        encoded = find_vectors(self.folder, keys)
        missing = np.flatnonzero(~encoded.known)
        if len(missing):
            self._fill(encoded, missing, texts, keys, on_progress)
        return encoded, len(texts) - len(missing)

    def _keys(self, texts: Sequence[str]) -> pa.Array:
        prefix = f"{self.digest}\0{self.config.max_tokens}\0{self.precision}\0".encode()
        return pa.array([hashlib.sha256(prefix + text.encode()).digest() for text in texts], KEY)

    def _fill(
        self,
        encoded: Encoded,
        missing: npt.NDArray[np.intp],
        texts: Sequence[str],
        keys: pa.Array,
        on_progress: OnProgress | None,
    ) -> None:
        """Encode missing rows; what is done reaches the cache every some seconds, and whatever ends the loop."""
        encoder = model.TextEncoder(self.config.model, self.config.max_tokens, self.precision)
        tokens = encoder.count_tokens([texts[row] for row in missing])
        unsaved: list[npt.NDArray[np.intp]] = []
        done, saved_at = 0, time.monotonic()
        try:
            for batch in encoder.batches(tokens, self.config.batch_size):
                rows = missing[batch]
                encoded.put(rows, encoder.encode([texts[row] for row in rows]), tokens[batch] > encoder.max_tokens)
                unsaved.append(rows)
                done += len(rows)
                if on_progress:
                    on_progress(done, len(missing))
                if time.monotonic() - saved_at > KEEP_SECONDS:
                    self._keep(encoded, unsaved, keys)
                    unsaved, saved_at = [], time.monotonic()
        finally:
            self._keep(encoded, unsaved, keys)

    def _keep(self, encoded: Encoded, unsaved: list[npt.NDArray[np.intp]], keys: pa.Array) -> None:
        if unsaved:
            rows = np.concatenate(unsaved)
            keep_vectors(self.folder, keys.take(pa.array(rows)), encoded.vectors[rows], encoded.cut[rows])


def _texts(catalogue: pa.Table, template: str) -> tuple[list[str], int]:
    """The items' texts, and how many of them had to fall back on title or id."""
    texts = render_texts(catalogue, template)
    empty = [row for row, text in enumerate(texts) if not text]
    titles = catalogue["title"] if "title" in catalogue.column_names else catalogue["item_id"]
    for row in empty:
        texts[row] = " ".join((titles[row].as_py() or "").split()) or catalogue["item_id"][row].as_py()
    return texts, len(empty)


def _distinct_share(vectors: npt.NDArray[np.float32]) -> float:
    """Share of distinct rows, by a 64-bit hash of their bits."""
    if not len(vectors):
        return 1.0
    factors = np.random.default_rng(0).integers(0, 2**64, vectors.shape[1], np.uint64) | np.uint64(1)
    hashes = np.zeros(len(vectors), np.uint64)
    for column, factor in zip(vectors.view(np.uint32).T, factors, strict=True):
        hashes += column * factor
    return len(np.unique(hashes)) / len(vectors)
