"""Training the RQ-VAE: autoencoder warm-up, codebook initialisation, joint steps, final Lloyd passes."""

import copy
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch

from sidflow.artifacts.checkpoint import Checkpoint
from sidflow.config import QuantizerConfig
from sidflow.quantizer.balance import adjust_bias, revive
from sidflow.quantizer.codebook import CHUNK, Array, Quantizer
from sidflow.quantizer.divergence import check_fitted, check_losses
from sidflow.quantizer.init import init_codebooks, random_codebooks, refine_codebooks
from sidflow.quantizer.losses import anchor_loss, reconstruction_loss
from sidflow.quantizer.model import RqVae
from sidflow.quantizer.objective import Batch, joint_losses
from sidflow.quantizer.plateau import Plateau
from sidflow.quantizer.progress import Curve, Progress
from sidflow.quantizer.rows import Rows
from sidflow.quantizer.sampling import PairSampler

CURVE_POINTS = 50  # at least, where there are as many steps
log = logging.getLogger(__name__)
OnProgress = Callable[[int, int], None]


class Trained(NamedTuple):
    """A trained RQ-VAE and how it came about."""

    quantizer: Quantizer
    curve: Curve  # at every fiftieth of the steps, or oftener
    revived: list[int]  # codes re-initialised, per level
    plateau: int | None  # the joint step at which the loss had stopped falling, if it had
    reconstruction: float  # squared distance of an item's input to what its codes decode to, mean over the catalogue


def train_rq_vae(
    vectors: Array,
    mean: Array,
    sampler: PairSampler | None,
    config: QuantizerConfig,
    initial: Quantizer | None = None,
    on_progress: OnProgress | None = None,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Fit an RQ-VAE to a catalogue; the same seed and number of threads give the same bits, interrupted or not.

    Args:
        vectors: Embeddings (N, D); may be memory-mapped, since rows are read as they are drawn.
        mean: Subtracted from every vector before it is scaled to unit length, (D,).
        sampler: Pairs to learn from; None turns the collaborative loss off.
        config: Stage settings.
        initial: Warm start: its encoder and codebooks continue, for `warm_steps` of the steps, and of the patience. Its
            decoder is not kept, so a new one learns first, at the full learning rate, and `warm_anchor` holds latents
            near their places meanwhile: else the refit would move most items, on the very same data too.
        on_progress: Called with (steps done, steps in all).
        checkpoint: Where the state is kept from which an interrupted fit goes on. The end of the training stays there
            too: whoever has saved the quantiser removes it.

    Raises:
        TrainingDiverged: If a loss becomes NaN, infinite or far larger than any model has, or a fitted number does.
    """
    model = RqVae((len(mean), *config.hidden, config.latent), config.codebooks, config.seed)
    warm_up_lr, before = config.lr, None
    if initial is not None:
        model.load(initial)
        before = copy.deepcopy(model.encoder).requires_grad_(False) if config.warm_anchor else None
        config = _shortened(config)
    rows, checkpoint = Rows(vectors, mean), checkpoint or Checkpoint(None)
    so_far = Progress(model, Plateau(rows, sampler, config), config)
    if (state := checkpoint.load()) is not None:
        so_far.restore(state)
        log.info("quantizer: going on from %s at step %d", checkpoint.path, so_far.warmed + so_far.step)
    run = _Run(rows, sampler, config, checkpoint, on_progress or (lambda done, total: None))
    _warm_up(so_far, run, warm_up_lr, frozen=initial is not None)
    if initial is None and not so_far.step:
        model.set_codebooks(_initial_codebooks(model.export(mean), vectors, config, so_far.rng))
    _train_jointly(so_far, run, before)
    fitted = model.export(mean)
    codebooks = refine_codebooks(fitted.encode(vectors), fitted.codebooks, fitted.biases, config.lloyd_passes)
    quantizer = replace(fitted, codebooks=codebooks)
    check_fitted(quantizer)
    error = _reconstruction(model.decoder, quantizer, rows)
    return Trained(quantizer, so_far.curve, so_far.revived, so_far.plateau.jumped or None, error)


@dataclass(frozen=True)
class _Run:
    """What the phases of a fit draw from, go by and tell."""

    rows: Rows
    sampler: PairSampler | None
    config: QuantizerConfig
    checkpoint: Checkpoint
    report: OnProgress


def _shortened(config: QuantizerConfig) -> QuantizerConfig:
    """The settings of a refit that starts from the previous quantiser; a patience of 0 still waits for ever."""
    steps, patience = (round(each * config.warm_steps) for each in (config.steps, config.patience))
    return config.model_copy(
        update={
            "steps": max(1, steps),
            "patience": max(min(1, config.patience), patience),
            "lr": config.lr * config.warm_lr,
        }
    )


def _warm_up(so_far: Progress, run: _Run, lr: float, frozen: bool) -> None:
    """Plain autoencoder steps; beside a frozen encoder and codebooks, the new decoder learns to read their latents."""
    model, config = so_far.model, run.config
    if so_far.warmed == config.warmup_steps:
        return
    decoding = list(model.decoder.parameters())
    trained = decoding if frozen else [*model.encoder.parameters(), *decoding]
    optimizer = so_far.optimizer(trained, lr, config.weight_decay)
    batch = config.batch_items + 2 * config.batch_pairs
    for step in range(so_far.warmed + 1, config.warmup_steps + 1):
        inputs = run.rows[so_far.rng.integers(run.rows.items, size=batch)]
        latents = model.encoder(inputs)
        if frozen:
            latents = model.quantise(latents).total().detach()
        loss = reconstruction_loss(inputs, model.decoder(latents))
        check_losses({"warm-up reconstruction": loss}, step)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        so_far.warmed = step
        if step < config.warmup_steps:  # the joint steps have another optimiser
            run.checkpoint.keep(lambda: so_far.state(optimizer))
        run.report(step, config.warmup_steps + config.steps)


def _initial_codebooks(
    encoder: Quantizer, vectors: Array, config: QuantizerConfig, rng: np.random.Generator
) -> tuple[Array, ...]:
    match config.init:
        case "k-means++":
            return init_codebooks(encoder.encode(vectors), config.codebooks, rng)
        case "random":
            return random_codebooks(config.codebooks, config.latent, rng)


def _train_jointly(so_far: Progress, run: _Run, before: torch.nn.Module | None) -> None:
    """All losses at once, to the last step; `before` is the encoder that an anchor holds latents to."""
    model, rng, usages, config = so_far.model, so_far.rng, so_far.usages, run.config
    optimizer = so_far.optimizer(list(model.parameters()), config.lr, config.weight_decay)
    while so_far.step < config.steps:
        step = so_far.step + 1
        progress = step / config.steps
        for group in optimizer.param_groups:
            group["lr"] = config.lr * (0.01 + 0.495 * (1 + math.cos(math.pi * progress)))
        pairs = run.sampler.draw(config.batch_pairs, rng) if run.sampler else None
        drawn = rng.integers(run.rows.items, size=config.batch_items)
        inputs = run.rows[np.concatenate([pairs.items, drawn]) if pairs else drawn]
        quantised = model.quantise(model.encoder(inputs))
        for usage, codes, error in zip(usages, quantised.codes.T, quantised.errors(), strict=True):
            usage.update(codes, error)
        losses = joint_losses(model.decoder, Batch(inputs, quantised, pairs), usages, config, rng)
        if before is not None:
            losses["anchor"] = anchor_loss(quantised.latents, before(inputs))
        check_losses(losses, step)
        ramp = min(1.0, progress / config.collaborative_ramp) if config.collaborative_ramp else 1.0
        weights = {"collaborative": config.collaborative * ramp, "anchor": config.warm_anchor}
        optimizer.zero_grad()
        total = torch.stack([weights.get(name, 1.0) * loss for name, loss in losses.items()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        for level, usage in enumerate(usages):
            if config.balance == "bias":
                adjust_bias(model.biases[level], usage, config.balance_weight * usage.gate(config.balance_perplexity))
            if config.revive_every and step % config.revive_every == 0 and progress <= config.revive_until:
                left = quantised.residuals[level].detach()
                moved = revive(model.codebooks[level], usage, left, config.revive_below, optimizer, rng)
                model.biases[level][moved] = 0
                so_far.revived[level] += len(moved)
        if step % max(1, config.steps // CURVE_POINTS) == 0 or step == config.steps:
            point = {name: round(loss.item(), 6) for name, loss in losses.items()}
            perplexity = [round(usage.perplexity(), 4) for usage in usages]
            so_far.curve.append({"step": step, **point, "perplexity": perplexity})
        so_far.step = so_far.plateau.look(model, step, config.steps)
        run.checkpoint.keep(lambda: so_far.state(optimizer), now=so_far.step == config.steps)
        run.report(config.warmup_steps + so_far.step, config.warmup_steps + config.steps)


@torch.no_grad()
def _reconstruction(decoder: torch.nn.Module, quantizer: Quantizer, rows: Rows) -> float:
    """The reconstruction loss of the whole catalogue with the codebooks that were kept, chunk by chunk."""
    total = 0.0
    for start in range(0, rows.items, CHUNK):
        chunk = slice(start, start + CHUNK)
        codes = quantizer.assign(quantizer.encode(rows.vectors[chunk]))
        inputs = rows[chunk]
        total += len(inputs) * reconstruction_loss(inputs, decoder(torch.from_numpy(quantizer.quantise(codes)))).item()
    return total / rows.items
