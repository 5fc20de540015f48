"""Stage `quantizer`: embeddings and mined pairs in, a fitted quantiser and its facts out."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sidflow.config import QuantizerConfig
from sidflow.errors import ConfigError
from sidflow.pairs.table import Pairs
from sidflow.quantizer.baselines import fit_rq_kmeans, mean_vector
from sidflow.quantizer.checks import check_codebooks, check_vectors, mismatch
from sidflow.quantizer.codebook import Array, Quantizer
from sidflow.quantizer.diagnostics import describe_codes, explained_variance
from sidflow.quantizer.sampling import PairSampler

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fit:
    """A fitted quantiser and how it came about."""

    quantizer: Quantizer
    curve: list[dict[str, Any]]  # at fifty steps: step, losses by name, perplexity over K per level
    facts: dict[str, Any]  # numbers for the manifest


def fit_quantizer(
    vectors: Array,
    pairs: Pairs | None,
    config: QuantizerConfig,
    initial: Quantizer | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Fit:
    """Fit the configured method, and RQ-KMeans beside it.

    Args:
        vectors: Embeddings by catalogue index, (N, D) float32; may be memory-mapped.
        pairs: Mined pairs over the same indices; None, or none that may be learned from, turns that loss off.
        config: Stage settings; the same seed and number of threads give the same bits.
        initial: Warm start: a quantiser of the same shape, whose encoder and codebooks continue.
        on_progress: Called with (steps done, steps in all).

    Returns:
        The quantiser, its training curve, and facts.

    Raises:
        DataContractError: If vectors are not finite or all equal, the codebooks are too large or too small for the
            catalogue, or pairs name unknown items.
        ConfigError: If `initial` has another shape.
        TrainingDiverged: If a loss becomes NaN or infinite.
    """
    check_vectors(vectors)
    check_codebooks(len(vectors), config.codebooks)
    reason = mismatch(initial, config, vectors.shape[1]) if initial is not None else None
    if reason:
        raise ConfigError(f"quantizer: the warm start does not fit: {reason}. Fit without it, or restore the setting.")
    sampler = PairSampler(pairs, len(vectors)) if pairs is not None else None
    off = _why_off(config, sampler)
    peer = fit_rq_kmeans(vectors, config.codebooks, config.seed, initial if config.method == "rq-kmeans" else None)
    quantizer, revived = peer, [0] * len(config.codebooks)
    curve: list[dict[str, Any]] = []
    if config.method == "rq-vae":
        from sidflow.quantizer.train import train_rq_vae  # torch takes seconds to import

        mean = mean_vector(vectors) if initial is None else initial.mean
        learned = sampler if off is None else None
        quantizer, curve, revived = train_rq_vae(vectors, mean, learned, config, initial, on_progress)
    facts = {
        "method": config.method,
        "items": len(vectors),
        "dimensions": vectors.shape[1],
        "warm_start": initial is not None,
        "pairs": sampler.pairs if sampler else 0,
        "pair_items": len(sampler.linked) if sampler else 0,
        "collaborative": f"off: {off}" if off else "on",
        "revived": revived,
        "codes": _described(quantizer, vectors, pairs),
        "rq_kmeans": _described(peer, vectors, pairs),
    }
    log.info(
        "quantizer: %s over %d items and %d pairs: perplexity %s, unique %.3f",
        config.method,
        len(vectors),
        facts["pairs"],
        facts["codes"]["perplexity"],
        facts["codes"]["unique_share"],
    )
    return Fit(quantizer, curve, facts)


def _why_off(config: QuantizerConfig, sampler: PairSampler | None) -> str | None:
    if config.method != "rq-vae":
        return f"{config.method} does not learn from pairs"
    if sampler is None or not sampler.pairs:
        return "no pairs to learn from"
    if not config.batch_pairs or not config.collaborative:
        return "quantizer.batch_pairs or quantizer.collaborative is 0"
    return None


def _described(quantizer: Quantizer, vectors: Array, pairs: Pairs | None) -> dict[str, Any]:
    latents = quantizer.encode(vectors)
    codes = quantizer.assign(latents)
    variance = explained_variance(quantizer, latents, codes)
    return {**describe_codes(codes, quantizer.sizes, pairs), "explained_variance": variance}
