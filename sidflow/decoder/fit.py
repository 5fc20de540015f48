"""Training the decoder: one flat loop, the same bits for the same seed."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from sidflow.config import DecoderConfig
from sidflow.dataset.build import Dataset
from sidflow.decoder.baselines import popularity
from sidflow.decoder.feed import Feed
from sidflow.decoder.model import Decoder, check_vectors
from sidflow.decoder.selection import Selection, make_selection, summary
from sidflow.decoder.steps import fit_content, learning_rate, make_optimizer, step_losses, take_step
from sidflow.decoder.warm import warm_start
from sidflow.device import autocast, best_device, resolve_precision
from sidflow.errors import DataContractError

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
Row = dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """A trained decoder in evaluation mode, the facts of its training, and a row of numbers for each validation."""

    decoder: Decoder
    facts: dict[str, Any]
    curve: list[Row]


def train_decoder(
    dataset: Dataset,
    vectors: np.ndarray,
    config: DecoderConfig,
    max_items: int,
    initial: Decoder | None = None,
    on_progress: Progress | None = None,
    on_metrics: Callable[[Row], None] | None = None,
) -> Trained:
    """Train on the training prefix of every history; keep the weights that rank validation targets best.

    The same seed, inputs and number of threads give the same bits; the global random state is left as it was.

    Args:
        dataset: Histories and SIDs.
        vectors: Content vectors, (N, D) float32.
        config: Model and training settings.
        max_items: Most recent items of a history that the decoder sees.
        initial: A previous release's decoder; with `warm_start`, training is then shorter (warm_epochs) and gentler
                (warm_lr).
        on_progress: Called with (done, total) steps.
        on_metrics: Called with each row of the curve as it is made.

    Returns:
        The decoder with its best weights. Facts: start ("cold", or what a warm start carried over), planned_epochs,
        parameters, epochs, steps, positions, seconds, positions_per_second, threads, device, precision, best_epoch,
        validation (recall and ndcg at 5 and 10), validation_users.

    Raises:
        DataContractError: If no user has two training events.
        ShapeError: If the vectors are not of this catalogue.
        TrainingDiverged: If the loss becomes NaN or infinite.
    """
    check_vectors(vectors, (len(dataset.sids.codes), vectors.shape[-1]))
    if not (dataset.histories.n_train >= 2).any():
        raise DataContractError(
            f"decoder: none of {len(dataset.histories.user_ids):,} users has two training events, so there is no next "
            "item to learn. Shorten histories.holdout, or give more interactions."
        )
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        decoder = Decoder(dataset.sids, vectors.shape[1], config, max_items).to(_device())
        trained = np.flatnonzero(popularity(dataset.histories))
        decoder.items.known[torch.from_numpy(trained).to(decoder.codes.device)] = True
        fit_content(decoder, vectors, trained)
        carried = warm_start(decoder, initial) if initial is not None and config.warm_start else None
        epochs = config.epochs if carried is None else max(1, round(config.epochs * config.warm_epochs))
        peak = config.lr if carried is None else config.lr * config.warm_lr
        feed = Feed(decoder, dataset.histories, vectors, trained, np.random.default_rng(config.seed))
        selection = make_selection(decoder, dataset, vectors)
        curve = list(_train(feed, selection, epochs, peak, on_progress, on_metrics))
    selection.restore(decoder)
    facts = {"start": carried or "cold", "planned_epochs": epochs, **_facts(decoder, curve), **summary(selection)}
    logger.info("decoder: %(epochs)d epochs in %(seconds).0f s, best epoch %(best_epoch)d, %(validation)s", facts)
    return Trained(decoder.eval(), facts, curve)


def _train(
    feed: Feed,
    selection: Selection,
    epochs: int,
    peak: float,
    on_progress: Progress | None,
    on_metrics: Callable[[Row], None] | None,
) -> Iterator[Row]:
    decoder, config, device = feed.decoder, feed.decoder.config, feed.decoder.codes.device
    optimizer, precision = make_optimizer(decoder, config), resolve_precision(config.precision, device)
    total, step, positions, started = epochs * feed.steps(), 0, 0, time.perf_counter()
    for epoch in range(1, epochs + 1):
        decoder.train()
        sums = np.zeros(3)
        for prepared in feed.epoch():
            rate = learning_rate((step + 1) / total, peak, config.warmup)
            with autocast(precision, device):
                losses = step_losses(decoder, *prepared)
            loss = losses.levels + config.dense_weight * losses.dense
            take_step(decoder, optimizer, loss, rate)
            step += 1
            sums += len(prepared.batch.targets) * np.array([losses.levels.item(), losses.dense.item(), 1.0])
            if on_progress:
                on_progress(min(step, total), total)
        positions += int(sums[2])
        if epoch % config.validate_every and epoch < epochs:
            continue
        seconds = time.perf_counter() - started
        row = {"epoch": epoch, "step": step, "lr": rate, "positions": positions, "seconds": seconds}
        row |= {"loss_levels": float(sums[0] / sums[2]), "loss_dense": float(sums[1] / sums[2])}
        row |= selection.consider(decoder, epoch)
        if on_metrics:
            on_metrics(row)
        yield row
        if selection.exhausted(config.patience):
            return


def _device() -> torch.device:
    """A CUDA device if there is one, else the CPU: Apple's lacks operations that training and search use."""
    device = best_device()
    return device if device.type == "cuda" else torch.device("cpu")


def _facts(decoder: Decoder, curve: list[Row]) -> Row:
    last = curve[-1]
    return {
        "parameters": sum(each.numel() for each in decoder.parameters()),
        "epochs": last["epoch"],
        "steps": last["step"],
        "positions": last["positions"],
        "seconds": last["seconds"],
        "positions_per_second": last["positions"] / last["seconds"],
        "threads": torch.get_num_threads(),
        "device": decoder.codes.device.type,
        "precision": resolve_precision(decoder.config.precision, decoder.codes.device),
    }
