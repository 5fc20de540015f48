"""SASRec with a full softmax: the dense peer of benchmarks/decoder.py, which scores every item with one product.

A causal transformer over item ids whose output scores are products with the same item vectors that it reads. It gets
the decoder's own training windows, encoder, loss kernel, schedule and contexts, so that what differs is the model: no
codes, no content, no pairs. Against the paper: layer norm before each block, GELU at four times the width, positions
counted back from the newest item, and cross-entropy over all items in place of one sampled negative.

Source: Kang and McAuley 2018, arXiv 1808.09781; full cross-entropy: Klenitskiy and Vasilev 2023, arXiv 2309.07602.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sasrec_model import SasRec, SasRecModel, sasrec_ranks
from torch import nn

from sidflow.decoder.loss import dense_loss
from sidflow.decoder.metrics import ranking_metrics
from sidflow.decoder.ranking import drawn_contexts
from sidflow.decoder.steps import learning_rate
from sidflow.decoder.windows import Batch, batches, cut_windows, gather_batch
from sidflow.device import autocast, resolve_precision
from sidflow.errors import TrainingDiverged
from sidflow.histories.table import Histories

METRIC = "ndcg@10"
CPU = torch.device("cpu")

Row = dict[str, Any]

EPOCHS = {64: 40, 128: 30}  # of about the same time
TRIED = ((64, 2e-3), (64, 4e-3), (128, 1e-3), (128, 2e-3))
GRID = {f"dim{dim}-lr{lr:g}": SasRec(dim=dim, lr=lr, epochs=EPOCHS[dim]) for dim, lr in TRIED}
"""What is tried on validation; dropout of .2 and weight decay of .05 were worse by far, and at .5 no better."""


@dataclass(frozen=True)
class TrainedSasRec:
    """The model with its best weights, the facts of its training, and a row of numbers for each validation."""

    model: SasRecModel
    facts: Row
    curve: list[Row]


def train_sasrec(
    histories: Histories, settings: SasRec, on_epoch: Callable[[Row], None] | None = None
) -> TrainedSasRec:
    """Train on every target of the training prefixes; keep the weights that rank validation targets best.

    That is among the items that a user has not seen, as its lists are at their best where nobody takes an item twice.

    The same seed, histories and number of threads give the same bits.

    Args:
        histories: Users with training events, and validation events to select on.
        settings: Model and training.
        on_epoch: Called with each row of the curve as it is made.

    Returns:
        The model in evaluation mode. Facts: parameters, epochs, best_epoch, seconds of training and of all,
        positions_per_second, precision, validation (recall and ndcg at 5 and 10 of the best weights).

    Raises:
        TrainingDiverged: If the loss becomes NaN or infinite.
    """
    began = time.perf_counter()
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        model = SasRecModel(len(histories.item_ids), settings)
        curve, best = [], model.state_dict()
        for row in _epochs(model, histories, settings):
            curve.append(row)
            newest_best = max(curve, key=lambda each: each[METRIC])
            if newest_best is row:
                best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
            if on_epoch:
                on_epoch(row)
            if 0 < settings.patience <= len(curve) - 1 - curve.index(newest_best):
                break
    model.load_state_dict(best)
    facts = {
        "parameters": sum(each.numel() for each in model.parameters()),
        "epochs": row["epoch"],
        "best_epoch": newest_best["epoch"],
        "seconds": row["seconds"],
        "seconds_with_validation": time.perf_counter() - began,
        "positions_per_second": row["positions"] / row["seconds"],
        "precision": resolve_precision("auto", CPU),
        "validation": {name: value for name, value in newest_best.items() if "@" in name},
    }
    return TrainedSasRec(model.eval(), facts, curve)


def _epochs(model: SasRecModel, histories: Histories, settings: SasRec) -> Iterator[Row]:
    """Train; a row of numbers after each validation."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay, fused=True)
    generator = np.random.default_rng(settings.seed)
    contexts = drawn_contexts(histories, settings.validation_users, settings.seed)
    step, positions, seconds = 0, 0, 0.0
    for epoch in range(1, settings.epochs + 1):
        began, total = time.perf_counter(), 0.0
        model.train()
        windows = cut_windows(histories, settings.max_len, generator)
        epoch_batches = list(batches(windows, settings.batch_positions, generator))
        for place, chosen in enumerate(epoch_batches):
            batch = gather_batch(histories.items, windows, chosen)
            done = (epoch - 1 + (place + 1) / len(epoch_batches)) / settings.epochs
            rate = learning_rate(done, settings.lr, settings.warmup)
            total += len(batch.targets) * _take_step(model, optimizer, batch, rate, settings.clip_norm)
            step += 1
        targets = int((windows.lengths - windows.firsts).sum())
        positions += targets
        seconds += time.perf_counter() - began
        if epoch % settings.validate_every and epoch < settings.epochs:
            continue
        metrics = ranking_metrics(sasrec_ranks(model, histories, contexts, unseen=True), (5, 10))
        timing = {"epoch": epoch, "step": step, "positions": positions, "seconds": seconds}
        yield timing | {"loss": total / targets} | metrics


def _take_step(
    model: SasRecModel, optimizer: torch.optim.Optimizer, batch: Batch, rate: float, clip_norm: float
) -> float:
    """One optimiser step at a learning rate; returns the mean cross-entropy over all items, in nats."""
    optimizer.zero_grad()
    with autocast(resolve_precision("auto", CPU), CPU):
        states = model(torch.from_numpy(batch.items), torch.from_numpy(batch.lengths)).flatten(0, 1)
        counting = states.index_select(0, torch.from_numpy(batch.rows * batch.items.shape[1] + batch.steps))
        loss = dense_loss(counting, model.items.weight, torch.from_numpy(batch.targets), None)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    if not math.isfinite(loss.item()):
        raise TrainingDiverged(f"sasrec: loss {loss.item()} at learning rate {rate:.2g} must be finite; lower lr.")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return loss.item()
