"""TIGER's decoder, the generative peer of benchmarks/decoder.py: a T5 from scratch on the same SIDs.

transformers' encoder-decoder at the paper's sizes reads the tokens of the newest items and writes those of the next
one. Every training event with a past is a target, once an epoch, as with sliding windows.

Source: Rajput et al. 2023, arXiv 2305.05065, section 4.1.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tiger_search import Tiger, TigerModel, encoder_inputs, make_tiger, tiger_ranks
from torch import nn

from sidflow.dataset.build import Dataset
from sidflow.decoder.metrics import ranking_metrics
from sidflow.decoder.ranking import Contexts, drawn_contexts, pad_histories
from sidflow.decoder.steps import learning_rate
from sidflow.device import autocast, resolve_precision
from sidflow.errors import TrainingDiverged
from sidflow.histories.table import Histories

CPU = torch.device("cpu")
POOL = 32  # batches whose targets are sorted by length together, so that little is padded

Row = dict[str, Any]


@dataclass(frozen=True)
class TrainedTiger:
    """The model as training left it, the facts, and a row of numbers for each validation."""

    model: TigerModel
    facts: Row
    curve: list[Row]


def train_tiger(
    dataset: Dataset,
    settings: Tiger,
    minutes: float = 30.0,
    on_row: Callable[[Row], None] | None = None,
    steps: int | None = None,
) -> TrainedTiger:
    """Train for a time, or a number of steps; the learning rate has its warm-up and a cosine to zero within it.

    First weights and the order of targets follow the seed; how many steps fit into the time does not, so only a
    number of steps gives the same bits again.

    Args:
        dataset: Histories and SIDs.
        settings: Model and training.
        minutes: Of training; validation is not counted.
        on_row: Called with each row of the curve as it is made: seconds of training, steps, loss since the last row,
            recall and ndcg at 5 and 10 of a drawn sample of validation users.
        steps: Train for so many in place of the minutes.

    Returns:
        The newest model. Facts: parameters, steps, epochs, seconds of training and of all, steps and targets a
        second, precision.

    Raises:
        TrainingDiverged: If the loss becomes NaN or infinite.
    """
    began = time.perf_counter()
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        model = make_tiger(dataset.sids, settings)
        curve = []
        for row in _train(model, dataset, settings, 60 * minutes, steps):
            curve.append(row)
            if on_row:
                on_row(row)
    last = curve[-1]
    facts = {
        "parameters": sum(each.numel() for each in model.network.parameters()),
        **{name: last[name] for name in ("step", "targets", "seconds")},
        "epochs": last["targets"] / len(training_contexts(dataset.histories).users),
        "seconds_with_validation": time.perf_counter() - began,
        "steps_per_second": last["step"] / last["seconds"],
        "targets_per_second": last["targets"] / last["seconds"],
        "precision": resolve_precision("auto", CPU),
    }
    return TrainedTiger(model, facts, curve)


def _train(model: TigerModel, dataset: Dataset, settings: Tiger, budget: float, steps: int | None) -> Iterator[Row]:
    """Train until the budget in seconds, or the steps, are spent; a row of numbers after each validation."""
    optimizer = torch.optim.Adam(model.network.parameters(), lr=settings.lr, fused=True)
    sample = drawn_contexts(dataset.histories, settings.validation_users, settings.seed)
    step = targets = 0
    seconds, due, losses = 0.0, 60 * settings.validate_minutes, list[float]()
    for batch in _batches(dataset.histories, settings):
        began = time.perf_counter()
        done = step / steps if steps else seconds / budget
        rate = learning_rate(done or 1e-3, settings.lr, settings.warmup)
        losses.append(_take_step(model, dataset, optimizer, batch, rate, settings.clip_norm))
        step, targets, seconds = step + 1, targets + len(batch.users), seconds + time.perf_counter() - began
        finished = step >= steps if steps else seconds >= budget
        if seconds < due and not finished:
            continue
        due = seconds + 60 * settings.validate_minutes
        ranks = tiger_ranks(model, dataset, sample, settings.validation_beam)
        row = {"seconds": seconds, "step": step, "targets": targets, "loss": float(np.mean(losses))}
        yield row | ranking_metrics(ranks, (5, 10))
        losses.clear()
        if finished:
            return


def training_contexts(histories: Histories) -> Contexts:
    """Every training event that has one before it, as the target of all that came before it."""
    counts = np.maximum(histories.n_train.astype(np.int64) - 1, 0)
    users = np.repeat(np.arange(len(counts)), counts)
    starts = histories.offsets[users]
    return Contexts(users, starts, starts + 1 + np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts))


def _batches(histories: Histories, settings: Tiger) -> Iterator[Contexts]:
    """Targets in random batches of like length, epoch after epoch without end."""
    contexts, generator = training_contexts(histories), np.random.default_rng(settings.seed)
    starts = np.maximum(contexts.starts, contexts.ends - settings.max_items)
    contexts = Contexts(contexts.users, starts, contexts.ends)
    while True:
        order = generator.permutation(len(contexts.users))
        for first in range(0, len(order), POOL * settings.batch):
            pool = order[first : first + POOL * settings.batch]
            pool = pool[np.argsort((contexts.ends - starts)[pool], kind="stable")]
            cuts = np.arange(0, len(pool), settings.batch)
            for cut in generator.permutation(cuts):
                chosen = pool[cut : cut + settings.batch]
                yield contexts.take(chosen)


def _take_step(
    model: TigerModel,
    dataset: Dataset,
    optimizer: torch.optim.Optimizer,
    batch: Contexts,
    rate: float,
    clip_norm: float,
) -> float:
    """One optimiser step at a learning rate; returns the mean cross-entropy of the targets' tokens, in nats."""
    model.network.train()
    items, lengths = dataset.histories.items, batch.ends - batch.starts
    inputs, mask = encoder_inputs(model.tokens, pad_histories(items, batch.starts, lengths), lengths)
    labels = model.tokens[torch.from_numpy(items[batch.ends].astype(np.int64))]
    optimizer.zero_grad()
    with autocast(resolve_precision("auto", CPU), CPU):
        loss = model.network(input_ids=inputs, attention_mask=mask, labels=labels).loss
    loss.backward()
    nn.utils.clip_grad_norm_(model.network.parameters(), clip_norm)
    if not math.isfinite(loss.item()):
        raise TrainingDiverged(f"tiger: loss {loss.item()} at learning rate {rate:.2g} must be finite; lower lr.")
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return float(loss.item())
