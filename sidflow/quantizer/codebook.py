"""A fitted residual quantiser: vectors to codes and codes to vectors, whatever fitted it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sidflow.errors import ShapeError
from sidflow.quantizer.behaviour import Behaviour
from sidflow.quantizer.digests import hashed_latents

BEHAVIOUR, KEY = ("behaviour.keys", "behaviour.vectors"), "key"  # of its arrays, by name
CHUNK = 16_384  # rows encoded or assigned at once: 25 MB of 384-d vectors

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Quantizer:
    """An encoder and one codebook a level; each level quantises what the earlier ones left over.

    Shapes: n items, D embedding and d latent dimensions, L levels with K_l codes.

    Attributes:
        mean: Subtracted from the input, which is then scaled to unit length, (D,).
        layers: Encoder weights (out, in) and biases (out,) with ReLU between them; empty means identity.
        codebooks: Code vectors per level, (K_l, d).
        biases: Per level (K_l,), added to squared distances when assigning; zeros for none.
        method: What fitted it.
        behaviour: What pairs said of the items it was fitted on, for latents that hold both; None for text alone.
        key: Of random codes, whose latents are a keyed hash of the vector's bytes; empty for all others.

    Source: Lee et al. 2022, arXiv 2203.01941, section 3.1; Rajput et al. 2023, arXiv 2305.05065.
    """

    mean: Array
    layers: tuple[tuple[Array, Array], ...]
    codebooks: tuple[Array, ...]
    biases: tuple[Array, ...]
    method: str
    behaviour: Behaviour | None = None
    key: bytes = b""

    @property
    def sizes(self) -> tuple[int, ...]:
        """Codes per level, (L,)."""
        return tuple(len(codebook) for codebook in self.codebooks)

    def encode(self, vectors: npt.NDArray[Any]) -> Array:
        """Latents of embeddings: centred, scaled to unit length, through the encoder.

        Args:
            vectors: (n, D), any float type; may be memory-mapped, since it is read in chunks.

        Returns:
            (n, d) float32. A vector equal to the mean has no direction and enters as zero. With `behaviour`, d is
            D + 64, and an item that was not fitted on, or had no pair then, has zeros there. Random codes have no
            encoder: their latents are a hash of the vector's bytes.

        Raises:
            ShapeError: If the vectors are not (n, D).
        """
        if vectors.ndim != 2 or vectors.shape[1] != len(self.mean):
            raise ShapeError(
                f"quantizer: vectors have shape {vectors.shape}, this {self.method} was fitted on "
                f"(n, {len(self.mean)}). Fit again on the new vectors, or give those it was fitted on."
            )
        if self.key:
            return hashed_latents(vectors, self.sizes, self.key)
        latents = np.empty((len(vectors), self.codebooks[0].shape[1]), np.float32)
        for rows in _chunks(len(vectors)):
            hidden = unit_rows(np.asarray(vectors[rows], np.float32) - self.mean)
            for depth, (weight, bias) in enumerate(self.layers):
                hidden = (np.maximum(hidden, 0) if depth else hidden) @ weight.T + bias
            latents[rows] = hidden if self.behaviour is None else self.behaviour.beside(hidden, vectors[rows])
        return latents

    def assign(self, latents: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        """Codes of latents, greedily: each level takes the code vector nearest to the residual.

        Args:
            latents: (n, d).

        Returns:
            (n, L) int16; ties go to the lowest index.

        Raises:
            ShapeError: If the latents are not (n, d).
        """
        width = self.codebooks[0].shape[1]
        if latents.ndim != 2 or latents.shape[1] != width:
            raise ShapeError(f"quantizer: latents have shape {latents.shape}, allowed is (n, {width}).")
        codes = np.empty((len(latents), len(self.codebooks)), np.int16)
        for rows in _chunks(len(latents)):
            residual = np.array(latents[rows], np.float32)
            for level, (codebook, bias) in enumerate(zip(self.codebooks, self.biases, strict=True)):
                codes[rows, level] = nearest_codes(residual, codebook, bias)
                residual -= codebook[codes[rows, level]]
        return codes

    def tensors(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Everything it holds, by name."""
        yield "mean", self.mean
        for depth, (weight, bias) in enumerate(self.layers):
            yield f"layer.{depth}.weight", weight
            yield f"layer.{depth}.bias", bias
        for level, (codebook, code_bias) in enumerate(zip(self.codebooks, self.biases, strict=True)):
            yield f"codebook.{level}", codebook
            yield f"bias.{level}", code_bias
        if self.behaviour is not None:
            yield from zip(BEHAVIOUR, (self.behaviour.keys, self.behaviour.vectors), strict=True)
        if self.key:
            yield KEY, np.frombuffer(self.key, np.uint8)

    def quantise(self, codes: npt.NDArray[Any]) -> Array:
        """Sum of code vectors, (n, d) float32; fewer columns than levels give the prefix's sum.

        Raises:
            ShapeError: If there are more columns than levels.
        """
        if codes.ndim != 2 or codes.shape[1] > len(self.codebooks):
            raise ShapeError(
                f"quantizer: codes have shape {codes.shape}, allowed are 1 to {len(self.codebooks)} columns."
            )
        total = np.zeros((len(codes), self.codebooks[0].shape[1]), np.float32)
        for column, codebook in zip(codes.T, self.codebooks, strict=False):
            total += codebook[column]
        return total


def nearest_codes(residual: Array, codebook: Array, bias: Array | None = None) -> npt.NDArray[np.int64]:
    """Index of the nearest code vector by squared distance plus bias, (n,); ties go to the lowest index.

    Args:
        residual: (n, d).
        codebook: (k, d).
        bias: (k,), or None for zeros.
    """
    offset = np.einsum("kd,kd->k", codebook, codebook)
    scores = residual @ (-2 * codebook.T)
    scores += offset if bias is None else offset + bias
    codes: npt.NDArray[np.int64] = scores.argmin(axis=1)
    return codes


def unit_rows(vectors: Array) -> Array:
    """Rows scaled to unit length, however long or short; a zero row stays zero."""
    peaks = np.maximum(vectors.max(axis=1, keepdims=True), -vectors.min(axis=1, keepdims=True))
    # By a power of two, which rounds nothing: the squares of 1e25 and of 1e-30 are beyond float32.
    scaled = vectors * np.ldexp(np.float32(1), np.clip(-np.frexp(peaks)[1], -126, 126))
    norms = np.linalg.norm(scaled, axis=1, keepdims=True)
    units: Array = scaled / np.where(norms > 0, norms, np.float32(1))
    return units


def _chunks(n: int) -> Iterator[slice]:
    return (slice(start, min(start + CHUNK, n)) for start in range(0, n, CHUNK))
