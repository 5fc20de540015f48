"""What benchmarks/quantizer.py compares: every variant's settings, and the pairs it learns from."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from sidflow.config import PairsConfig, QuantizerConfig
from sidflow.histories.table import Histories, training_events
from sidflow.pairs.count import count_pairs
from sidflow.pairs.log import recent_log
from sidflow.pairs.table import Pairs
from sidflow.quantizer.baselines import mean_vector
from sidflow.quantizer.codebook import Quantizer
from sidflow.quantizer.fit import fit_quantizer
from sidflow.quantizer.train import train_rq_vae


@dataclass(frozen=True)
class Variant:
    """One row of the table."""

    label: str
    settings: dict[str, Any] = field(default_factory=dict)  # on top of the configuration's section quantizer
    pairs: Literal["none", "significant", "all"] = "none"


SETTLED: dict[str, Any] = {"balance": "none"}
REVIVED = SETTLED | {"lloyd_passes": 0}  # Lloyd passes fill empty codes too, so they count as a part of their own
STILL = REVIVED | {"revive_every": 0}
PLAIN = STILL | {"init": "random"}
PREVIOUS = {"latent": 16, "commitment": 1.0, "collaborative": 0.05, "steps": 600}


def _balanced(kind: str, weight: float) -> Variant:
    return Variant(
        f"... + {kind} {weight:g}, never resting",
        {"balance": kind, "balance_weight": weight, "balance_perplexity": 1.0},
    )


VARIANTS = {
    "random": Variant("random codes", {"method": "random"}),
    "lsh": Variant("LSH, 8 hyperplanes a level", {"method": "lsh"}),
    "flat": Variant("VQ-VAE, one level of 4,096", SETTLED | {"codebooks": (4096,)}),
    "kmeans": Variant("RQ-KMeans, text", {"method": "rq-kmeans"}),
    "kmeans-pmi": Variant("RQ-KMeans, text + PMI-SVD", {"method": "rq-kmeans-pmi"}, "significant"),
    "plain": Variant("RQ-VAE, plain", PLAIN),
    "init": Variant("RQ-VAE + k-means init", STILL),
    "revival": Variant("... + revival", REVIVED),
    "lloyd": Variant("... + Lloyd passes", SETTLED),
    **{f"switch-{weight:g}": _balanced("switch", weight) for weight in (0.03, 0.3, 30.0)},
    **{f"bias-{weight:g}": _balanced("bias", weight) for weight in (0.03, 0.3, 3.0)},
    "pairs-all": Variant("... + InfoNCE, all pairs", SETTLED, "all"),
    "pairs": Variant("... + InfoNCE, significant pairs", SETTLED, "significant"),
    "default": Variant("everything (default)", {}, "significant"),
    "previous": Variant("default, but latent 16, commitment 1, pairs .05, 600 steps", PREVIOUS, "significant"),
    "default-none": Variant("default, no pairs"),
    "default-all": Variant("default, all pairs", {}, "all"),
}


def fit_variant(
    variant: Variant, vectors: np.ndarray, pairs: dict[str, Pairs | None], config: QuantizerConfig, seed: int
) -> tuple[Quantizer, list[int]]:
    """A fitted quantiser, and how many codes were re-initialised per level.

    Args:
        variant: What to fit.
        vectors: Embeddings, (N, D).
        pairs: By the names that variants use.
        config: Section `quantizer`, which the variant's settings change.
        seed: Of the fit.
    """
    config = config.model_copy(update=variant.settings | {"seed": seed})  # unchecked: some weights are to be too large
    if pairs[variant.pairs] is None:  # as many items a step as those get whose pairs bring further ones
        whole = config.batch_items + 2 * config.batch_pairs
        config = config.model_copy(update={"batch_items": whole, "batch_pairs": 0})
    if len(config.codebooks) == 1:  # `fit_quantizer` refuses more items than SIDs; here a suffix tells them apart
        trained = train_rq_vae(vectors, mean_vector(vectors), None, config)
        return trained.quantizer, trained.revived
    fit = fit_quantizer(vectors, pairs[variant.pairs], config)
    return fit.quantizer, fit.facts["revived"]


def all_pairs(histories: Histories, config: PairsConfig) -> Pairs:
    """Every observed co-occurrence as a pair of the same weight: what a system without a test of significance takes.

    Args:
        histories: Only their training events are read.
        config: Section `pairs`; window and longest history count, nothing is filtered.
    """
    log = recent_log(*training_events(histories), config.max_history, config.window)
    counts = count_pairs(log, len(histories.item_ids))
    ones, no = np.ones(len(counts.a)), np.zeros(len(counts.a), bool)
    statistics = {"expected": ones, "pmi": 0 * ones, "p_value": ones, "significant": no}  # nothing reads them here
    weight = ones.astype(np.float32)
    return Pairs(a=counts.a, b=counts.b, support=counts.support, weight=weight, heldout=no, **statistics)
