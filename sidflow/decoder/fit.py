"""Training the decoder: one flat loop, the same bits for the same seed, interrupted or not."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sidflow.artifacts.checkpoint import Checkpoint
from sidflow.config import DecoderConfig
from sidflow.dataset.build import Dataset
from sidflow.decoder.baselines import popularity
from sidflow.decoder.checkpoint import training_key
from sidflow.decoder.checks import check_training
from sidflow.decoder.feed import Feed
from sidflow.decoder.model import Decoder
from sidflow.decoder.progress import Progress, Row
from sidflow.decoder.selection import make_selection, summary
from sidflow.decoder.steps import fit_content, learning_rate, make_optimizer, step_losses, take_step
from sidflow.decoder.team import Team, launched_team
from sidflow.decoder.warm import warm_start
from sidflow.device import autocast, resolve_precision

logger = logging.getLogger(__name__)

OnProgress = Callable[[int, int], None]
OnMetrics = Callable[[Row], None]


@dataclass(frozen=True)
class Trained:
    """A trained decoder in evaluation mode, the facts of its training, and a row of numbers for each validation.

    `key` is the name that the training's state goes by in its folder, if it had one.
    """

    decoder: Decoder
    facts: dict[str, Any]
    curve: list[Row]
    key: bytes = b""


def train_decoder(
    dataset: Dataset,
    vectors: np.ndarray,
    config: DecoderConfig,
    max_items: int,
    initial: Decoder | None = None,
    on_progress: OnProgress | None = None,
    on_metrics: OnMetrics | None = None,
    folder: Path | None = None,
) -> Trained:
    """Train on the training prefix of every history; keep the weights that rank validation targets best.

    The same seed, inputs, number of threads and of processes give the same bits, interrupted or not; the global random
    state is left as it was. Where `torchrun` or `accelerate launch` started several processes that all call this,
    they train one decoder side by side: each reads its share of every batch and ends with the same weights.

    Args:
        dataset: Histories and SIDs; memory-mapped, they are read in blocks and never copied whole.
        vectors: Content vectors, (N, D) float32.
        config: Model and training settings.
        max_items: Most recent items of a history that the decoder sees.
        initial: A previous release's decoder; with `warm_start`, training is then shorter (warm_epochs) and gentler
                (warm_lr).
        on_progress: Called with (done, total) steps, in the first process only; at the end, early or not, with (total,
            total).
        on_metrics: Called with each row of the curve as it is made, in the first process only; a training that goes on
            where it was interrupted hands out its earlier rows first.
        folder: Where an interrupted training finds the state to go on from; None keeps none. The end of the training
            stays there too, so that nothing is trained twice if this process dies before it has saved the decoder:
            whoever saved it calls `forget_training`. At most one file is left, which another training replaces.

    Returns:
        The decoder with its best weights. Facts: start ("cold", or what a warm start carried over), planned_epochs,
        parameters, epochs, steps, positions, seconds, positions_per_second (without validations, also in rows),
        threads, processes, device, precision, best_epoch, validation (recall and ndcg at 5 and 10), validation_users.
        Rows: epoch, step, lr, positions, seconds, positions_per_second (since the last row), loss_levels, loss_dense,
        validation.

    Raises:
        DataContractError: If no user has two training events, or an event or a content vector is not of this world.
        ShapeError: If the vectors are not of this catalogue.
        TrainingDiverged: If a loss becomes NaN, infinite or absurdly large.
    """
    check_training(dataset, vectors)
    team = launched_team()
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        decoder = Decoder(dataset.sids, vectors.shape[1], config, max_items).to(team.device)
        trained = np.flatnonzero(popularity(dataset.histories))
        decoder.items.known[torch.from_numpy(trained).to(decoder.codes.device)] = True
        fit_content(decoder, vectors, trained)
        initial = initial if config.warm_start else None
        carried = warm_start(decoder, initial) if initial is not None else None
        epochs = config.epochs if carried is None else max(1, round(config.epochs * config.warm_epochs))
        peak = config.lr if carried is None else config.lr * config.warm_lr
        feed = Feed(decoder, dataset.histories, vectors, trained, np.random.default_rng(config.seed), team)
        selection = make_selection(decoder, dataset, vectors, team)
        so_far = Progress(feed, make_optimizer(decoder, config), selection)
        key = training_key(dataset, vectors, config, max_items, initial, team) if folder is not None else b""
        checkpoint = Checkpoint(folder, key, config.checkpoint_seconds)
        _take_up(so_far, checkpoint, team, on_metrics)
        _train(so_far, epochs, peak, team, checkpoint, on_progress, on_metrics)
    selection.restore(decoder)
    facts = {"start": carried or "cold", "planned_epochs": epochs, **_facts(so_far, team), **summary(selection)}
    logger.info("decoder: %(epochs)d epochs in %(seconds).0f s, best epoch %(best_epoch)d, %(validation)s", facts)
    return Trained(decoder.eval(), facts, so_far.curve, key)


def forget_training(folder: Path, trained: Trained) -> None:
    """Remove the state of a training whose decoder is saved, and what its killed writers left; another one's stays."""
    Checkpoint(folder, trained.key, seconds=0).remove()


def _take_up(so_far: Progress, checkpoint: Checkpoint, team: Team, on_metrics: OnMetrics | None) -> None:
    """Go on where an interrupted training was, if there was one."""
    if (state := checkpoint.load()) is None:
        return
    so_far.restore(state)
    logger.info("decoder: going on from %s at step %d", checkpoint.path, so_far.step)
    if on_metrics and team.is_main:
        for row in so_far.curve:
            on_metrics(row)


def _train(
    so_far: Progress,
    epochs: int,
    peak: float,
    team: Team,
    checkpoint: Checkpoint,
    on_progress: OnProgress | None,
    on_metrics: OnMetrics | None,
) -> None:
    feed, selection, decoder = so_far.feed, so_far.selection, so_far.feed.decoder
    config, device = decoder.config, decoder.codes.device
    precision, total = resolve_precision(config.precision, device), epochs * feed.steps()
    while so_far.epoch < epochs and not selection.exhausted(config.patience):
        decoder.train()
        for prepared in feed.epoch():
            team.seed(config.seed, so_far.step)
            rate = learning_rate((so_far.step + 1) / total, peak, config.warmup)
            with autocast(precision, device):
                losses = step_losses(decoder, prepared.batch, prepared.candidates, prepared.inputs)
            so_far.count(prepared, take_step(decoder, so_far.optimizer, losses, rate, team, prepared.share))
            if team.is_main:
                checkpoint.keep(so_far.state)
                if on_progress:
                    on_progress(min(so_far.step, total), total)
        so_far.epoch += 1
        if so_far.epoch % config.validate_every and so_far.epoch < epochs:
            continue
        row = so_far.row() | {"lr": learning_rate(so_far.step / total, peak, config.warmup)}
        so_far.add(row | selection.consider(decoder, so_far.epoch))
        if on_metrics and team.is_main:
            on_metrics(so_far.curve[-1])
    if team.is_main:
        checkpoint.keep(so_far.state, now=True)
        if on_progress:
            on_progress(total, total)


def _facts(so_far: Progress, team: Team) -> Row:
    last, decoder = so_far.curve[-1], so_far.feed.decoder
    return {
        "parameters": sum(each.numel() for each in decoder.parameters()),
        "epochs": last["epoch"],
        "steps": last["step"],
        "positions": last["positions"],
        "seconds": last["seconds"],
        "positions_per_second": so_far.positions_per_second,
        "threads": torch.get_num_threads(),
        "processes": team.size,
        "device": decoder.codes.device.type,
        "precision": resolve_precision(decoder.config.precision, decoder.codes.device),
    }
