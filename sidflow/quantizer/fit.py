"""Stage `quantizer`: embeddings and mined pairs in, a fitted quantiser and its facts out."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sidflow.config import QuantizerConfig
from sidflow.errors import ConfigError
from sidflow.pairs.table import Pairs
from sidflow.quantizer.baselines import fit_lsh, fit_random, fit_rq_kmeans, fit_rq_kmeans_pmi, mean_vector
from sidflow.quantizer.checks import check_codebooks, check_vectors, mismatch
from sidflow.quantizer.codebook import Array, Quantizer
from sidflow.quantizer.diagnostics import describe_codes
from sidflow.quantizer.digests import group_duplicates
from sidflow.quantizer.sampling import PairSampler
from sidflow.quantizer.variance import assign_and_explain

if TYPE_CHECKING:
    from sidflow.artifacts.checkpoint import Checkpoint
    from sidflow.quantizer.train import Trained

OnProgress = Callable[[int, int], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fit:
    """A fitted quantiser and how it came about."""

    quantizer: Quantizer
    curve: list[dict[str, Any]]  # every fiftieth step, or oftener: step, losses by name, perplexity over K per level
    facts: dict[str, Any]  # numbers for the manifest
    peer_codes: npt.NDArray[np.int16]  # what RQ-KMeans assigns, (N, L)
    checkpoint: "Checkpoint | None"  # where the end of the training is, for methods with training

    def forget(self) -> None:
        """Remove what a killed fit would go on from: for whoever has saved the quantiser."""
        if self.checkpoint is not None:
            self.checkpoint.remove()


def fit_quantizer(
    vectors: Array,
    pairs: Pairs | None,
    config: QuantizerConfig,
    initial: Quantizer | None = None,
    on_progress: OnProgress | None = None,
    folder: Path | None = None,
) -> Fit:
    """Fit the configured method, and RQ-KMeans beside it.

    Args:
        vectors: Embeddings by catalogue index, (N, D) float32; may be memory-mapped.
        pairs: Mined pairs over the same indices; None, or none that may be learned from, turns that loss off.
        config: Stage settings; the same seed and number of threads give the same bits.
        initial: Warm start: a quantiser of the same shape, whose encoder and codebooks continue.
        on_progress: Called with (steps done, steps in all).
        folder: Where a killed fit finds the state to go on from; None keeps none. The end of the training stays there
            too, so that nothing is trained twice if this process dies before it has saved the quantiser: whoever saved
            it calls `Fit.forget`.

    Returns:
        The quantiser, its training curve, and facts.

    Raises:
        DataContractError: If vectors are not finite or all equal, the codebooks are too large or too small for the
            catalogue, or pairs name unknown items.
        ConfigError: If `initial` has another shape.
        TrainingDiverged: If a loss becomes NaN, infinite or far larger than any model has.
    """
    check_vectors(vectors)
    check_codebooks(len(vectors), config.codebooks)
    reason = mismatch(initial, config, vectors.shape[1]) if initial is not None else None
    if reason:
        raise ConfigError(f"quantizer: the warm start does not fit: {reason}. Fit without it, or restore the setting.")
    copies = group_duplicates(vectors)
    sampler = _sampler(pairs, copies, config)
    off = _why_off(config, sampler)
    peer = fit_rq_kmeans(vectors, config.codebooks, config.seed, initial if config.method == "rq-kmeans" else None)
    trained = checkpoint = None
    if config.method == "rq-vae":
        checkpoint = _checkpoint(vectors, pairs, config, initial, folder)
        trained = _train(vectors, None if off else sampler, config, initial, on_progress, checkpoint)
    quantizer = trained.quantizer if trained else _fit_peer(vectors, pairs, config, initial, peer)
    peer_codes, peer_facts = _described(peer, vectors, pairs, copies)
    facts = {
        "method": config.method,
        "items": len(vectors),
        "distinct_share": round(len(np.unique(copies)) / len(vectors), 6),
        "dimensions": vectors.shape[1],
        "warm_start": initial is not None,
        "pairs": sampler.pairs if sampler else 0,
        "pair_items": len(sampler.linked) if sampler else 0,
        "collaborative": f"off: {off}" if off else "on",
        "behaviour_items": int(quantizer.behaviour.knows(vectors).sum()) if quantizer.behaviour else None,
        "revived": trained.revived if trained else [0] * len(config.codebooks),
        "plateau": trained.plateau if trained else None,
        "reconstruction": round(trained.reconstruction, 6) if trained else None,
        "codes": _described(quantizer, vectors, pairs, copies)[1],
        "rq_kmeans": peer_facts,
    }
    _tell(facts)
    return Fit(quantizer, trained.curve if trained else [], facts, peer_codes, checkpoint)


def _sampler(pairs: Pairs | None, copies: npt.NDArray[np.int64], config: QuantizerConfig) -> PairSampler | None:
    if pairs is None:
        return None
    return PairSampler(pairs, len(copies), copies, config.pair_draw, config.pair_weights, config.mask_known)


def _why_off(config: QuantizerConfig, sampler: PairSampler | None) -> str | None:
    if config.method not in ("rq-vae", "rq-kmeans-pmi"):
        return f"{config.method} does not learn from pairs"
    if sampler is None or not sampler.pairs:
        return "no pairs to learn from"
    if config.method == "rq-vae" and not (config.batch_pairs and config.collaborative):
        return "quantizer.batch_pairs or quantizer.collaborative is 0"
    return None


def _checkpoint(
    vectors: Array, pairs: Pairs | None, config: QuantizerConfig, initial: Quantizer | None, folder: Path | None
) -> "Checkpoint":
    from sidflow.artifacts.checkpoint import Checkpoint  # torch takes seconds to import
    from sidflow.quantizer.fit_key import fit_key

    key = fit_key(vectors, pairs, config, initial) if folder is not None else b""
    return Checkpoint(folder, key, config.checkpoint_seconds)


def _train(
    vectors: Array,
    sampler: PairSampler | None,
    config: QuantizerConfig,
    initial: Quantizer | None,
    on_progress: OnProgress | None,
    checkpoint: "Checkpoint",
) -> "Trained":
    from sidflow.quantizer.train import train_rq_vae

    mean = mean_vector(vectors) if initial is None else initial.mean
    return train_rq_vae(vectors, mean, sampler, config, initial, on_progress, checkpoint)


def _fit_peer(
    vectors: Array, pairs: Pairs | None, config: QuantizerConfig, initial: Quantizer | None, rq_kmeans: Quantizer
) -> Quantizer:
    """A method without training; hyperplanes and hashes have nothing to refit, so a warm start keeps them."""
    match config.method:
        case "rq-kmeans-pmi":
            return fit_rq_kmeans_pmi(vectors, pairs, config.codebooks, config.seed, initial)
        case "lsh":
            return initial or fit_lsh(vectors, config.codebooks, config.seed)
        case "random":
            return initial or fit_random(vectors, config.codebooks, config.seed)
        case _:
            return rq_kmeans


def _described(
    quantizer: Quantizer, vectors: Array, pairs: Pairs | None, copies: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int16], dict[str, Any]]:
    codes, variance = assign_and_explain(quantizer, vectors)
    described = describe_codes(codes, quantizer.sizes, pairs, copies=copies)
    return codes, {**described, "explained_variance": variance}


def _tell(facts: dict[str, Any]) -> None:
    """The summary line."""
    log.info(
        "quantizer: %s over %d items and %d pairs: perplexity %s, unique %.3f",
        facts["method"],
        facts["items"],
        facts["pairs"],
        facts["codes"]["perplexity"],
        facts["codes"]["unique_share"],
    )
