"""Training the RQ-VAE: autoencoder warm-up, k-means initialisation, joint steps, final Lloyd passes."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sidflow.config import QuantizerConfig
from sidflow.quantizer.balance import Usage, adjust_bias, revive
from sidflow.quantizer.codebook import Array, Quantizer, unit_rows
from sidflow.quantizer.init import init_codebooks, refine_codebooks
from sidflow.quantizer.losses import reconstruction_loss
from sidflow.quantizer.model import RqVae
from sidflow.quantizer.objective import check_finite, joint_losses
from sidflow.quantizer.sampling import PairSampler

RAMP = 0.1  # share of the joint steps over which the collaborative weight rises
CURVE_POINTS = 50

Progress = Callable[[int, int], None]
Curve = list[dict[str, Any]]


def train_rq_vae(
    vectors: Array,
    mean: Array,
    sampler: PairSampler | None,
    config: QuantizerConfig,
    initial: Quantizer | None = None,
    on_progress: Progress | None = None,
) -> tuple[Quantizer, Curve, list[int]]:
    """Fit an RQ-VAE to a catalogue; the same seed and number of threads give the same bits.

    Args:
        vectors: Embeddings (N, D); may be memory-mapped, since rows are read as they are drawn.
        mean: Subtracted from every vector before it is scaled to unit length, (D,).
        sampler: Pairs to learn from; None turns the collaborative loss off.
        config: Stage settings.
        initial: Warm start: its encoder and codebooks continue, for `warm_steps` of the steps.
        on_progress: Called with (steps done, steps in all).

    Returns:
        The quantiser; the training curve; how many codes were re-initialised per level.

    Raises:
        TrainingDiverged: If a loss becomes NaN or infinite.
    """
    rng = np.random.default_rng(config.seed)
    model = RqVae((len(mean), *config.hidden, config.latent), config.codebooks, config.seed)
    if initial is not None:
        model.load(initial)
        shorter = {"steps": max(1, round(config.steps * config.warm_steps)), "lr": config.lr * config.warm_lr}
        config = config.model_copy(update=shorter)
    rows = _Rows(vectors, mean)
    report = on_progress or (lambda done, total: None)
    _warm_up(model, rows, config, rng, report, frozen=initial is not None)
    if initial is None:
        model.set_codebooks(init_codebooks(model.export(mean).encode(vectors), config.codebooks, rng))
    curve, revived = _train_jointly(model, rows, sampler, config, rng, report)
    fitted = model.export(mean)
    codebooks = refine_codebooks(fitted.encode(vectors), fitted.codebooks, fitted.biases, config.lloyd_passes)
    return replace(fitted, codebooks=codebooks), curve, revived


class _Rows:
    """The catalogue as network input, read as it is drawn."""

    def __init__(self, vectors: Array, mean: Array):
        self.vectors, self.mean, self.items = vectors, mean, len(vectors)

    def __getitem__(self, rows: Any) -> torch.Tensor:
        return torch.from_numpy(unit_rows(np.asarray(self.vectors[rows], np.float32) - self.mean))


def _warm_up(
    model: RqVae, rows: _Rows, config: QuantizerConfig, rng: np.random.Generator, report: Progress, frozen: bool
) -> None:
    """Plain autoencoder steps; beside a frozen encoder and codebooks, the new decoder learns to read their latents."""
    trained = model.decoder.parameters() if frozen else [*model.encoder.parameters(), *model.decoder.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=config.lr, weight_decay=config.weight_decay)
    batch = config.batch_items + 2 * config.batch_pairs
    for step in range(1, config.warmup_steps + 1):
        inputs = rows[rng.integers(rows.items, size=batch)]
        latents = model.encoder(inputs)
        if frozen:
            latents = model.quantise(latents).total().detach()
        loss = reconstruction_loss(inputs, model.decoder(latents))
        check_finite({"warm-up reconstruction": loss}, step)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        report(step, config.warmup_steps + config.steps)


def _train_jointly(
    model: RqVae,
    rows: _Rows,
    sampler: PairSampler | None,
    config: QuantizerConfig,
    rng: np.random.Generator,
    report: Progress,
) -> tuple[Curve, list[int]]:
    """The joint steps: the curve, and how many codes were re-initialised per level."""
    usages = [Usage(size) for size in config.codebooks]
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    curve: Curve = []
    revived = [0] * len(usages)
    for step in range(1, config.steps + 1):
        progress = step / config.steps
        for group in optimizer.param_groups:
            group["lr"] = config.lr * (0.01 + 0.495 * (1 + math.cos(math.pi * progress)))
        pairs = sampler.draw(config.batch_pairs, rng) if sampler else None
        drawn = rng.integers(rows.items, size=config.batch_items)
        inputs = rows[np.concatenate([pairs.items, drawn]) if pairs else drawn]
        quantised = model.quantise(model.encoder(inputs))
        for usage, codes, error in zip(usages, quantised.codes.T, quantised.errors(), strict=True):
            usage.update(codes, error)
        losses = joint_losses(model.decoder, inputs, quantised, pairs, usages, config, rng)
        check_finite(losses, step)
        ramp = {"collaborative": config.collaborative * min(1.0, progress / RAMP)}
        optimizer.zero_grad()
        total = torch.stack([ramp.get(name, 1.0) * loss for name, loss in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        for level, usage in enumerate(usages):
            if config.balance == "bias":
                adjust_bias(model.biases[level], usage, config.balance_weight * usage.gate(config.balance_perplexity))
            if config.revive_every and step % config.revive_every == 0 and progress <= config.revive_until:
                residuals = quantised.residuals[level].detach()
                revived[level] += revive(model.codebooks[level], usage, residuals, config.revive_below, optimizer, rng)
        if step % max(1, config.steps // CURVE_POINTS) == 0 or step == config.steps:
            point = {name: round(loss.item(), 6) for name, loss in losses.items()}
            curve.append({"step": step, **point, "perplexity": [round(usage.perplexity(), 4) for usage in usages]})
        report(config.warmup_steps + step, config.warmup_steps + config.steps)
    return curve, revived
