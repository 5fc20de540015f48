"""One training step: a batch of windows to two losses; and the optimiser that takes it."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sidflow.config import DecoderConfig
from sidflow.decoder.candidates import Candidates
from sidflow.decoder.divergence import check_step
from sidflow.decoder.loss import Losses, dense_loss, level_loss
from sidflow.decoder.model import Decoder
from sidflow.decoder.team import Team
from sidflow.decoder.windows import Batch


def step_losses(
    decoder: Decoder, batch: Batch, candidates: Candidates, inputs: tuple[Tensor, Tensor, Tensor]
) -> Losses:
    """The losses of a batch at every position whose target counts.

    Item vectors are made once a step for all candidates; histories read them with own vectors forgotten by chance,
    the dense head reads them whole.

    Args:
        decoder: The model, in training mode.
        batch: Windows.
        candidates: Items of this step; all of the batch's are among them.
        inputs: `Decoder.item_inputs` of the candidates.
    """
    device = decoder.codes.device
    table = decoder.items(*inputs)
    histories = torch.from_numpy(candidates.places(batch.items)).to(device)
    vectors = decoder.items.forget_own(functional.embedding(histories, table), torch.from_numpy(batch.items).to(device))
    states = decoder.history(vectors, torch.from_numpy(batch.lengths).to(device)).flatten(0, 1)
    counting = torch.from_numpy(batch.rows * batch.items.shape[1] + batch.steps).to(device)
    states = states.index_select(0, counting)
    codes = decoder.codes[torch.from_numpy(batch.targets).to(device)]
    levels = level_loss(decoder.levels(states, codes), codes, decoder.config.label_smoothing)
    if not decoder.config.dense_weight:
        return Losses(levels, torch.zeros_like(levels))
    targets = torch.from_numpy(candidates.places(batch.targets)).to(device)
    weights = candidates.log_weights
    log_weights = None if weights is None else torch.from_numpy(weights).to(device)
    return Losses(levels, dense_loss(states, table, targets, log_weights))


def make_optimizer(decoder: Decoder, config: DecoderConfig) -> torch.optim.AdamW:
    """AdamW with weight decay on matrices, not on biases and norms.

    The second moment's memory is long (0.999): with 0.98 the rows of rare items, which seldom have a gradient, move
    about a quarter as far for each.
    """
    matrices = [each for each in decoder.parameters() if each.ndim > 1]
    rest = [each for each in decoder.parameters() if each.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, 0.999), fused=True)


def take_step(
    decoder: Decoder, optimizer: torch.optim.Optimizer, losses: Losses, rate: float, team: Team, share: float = 1.0
) -> Losses:
    """Gradient of the losses, clipped, and one optimiser step at a learning rate.

    Args:
        decoder: The model.
        optimizer: Of its parameters.
        losses: Means over this process's positions.
        rate: Learning rate.
        team: The processes that take this step.
        share: This process's share of all positions; shares add up to 1, and so gradients to that of the whole batch.

    Returns:
        The losses over all processes' positions.

    Raises:
        TrainingDiverged: If a loss or the gradient is NaN, infinite or absurd; the weights are left as they were.
    """
    optimizer.zero_grad()
    weight = decoder.config.dense_weight
    ((losses.levels + weight * losses.dense) * share).backward()  # type: ignore[no-untyped-call]
    whole = Losses(*team.add_up(decoder.parameters(), torch.stack(losses).detach() * share))
    norm = torch.nn.utils.clip_grad_norm_(decoder.parameters(), decoder.config.clip_norm)
    check_step(decoder, whole, float(norm), rate)
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return whole


def learning_rate(done: float, peak: float, warmup: float) -> float:
    """Linear from 0 to the peak over the share `warmup` of training, then a cosine to 0; `done` in [0, 1]."""
    if done < warmup:
        return peak * done / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * min((done - warmup) / (1 - warmup), 1.0)))


def fit_content(decoder: Decoder, vectors: np.ndarray, trained: np.ndarray, most: int = 100_000) -> None:
    """Standardise content by the mean and variance of the items trained on; a stride of them where there are many."""
    chosen = np.asarray(vectors[trained[:: -(-len(trained) // most)]], np.float64)
    mean = chosen.mean(0)
    deviation = float(np.sqrt(((chosen - mean) ** 2).mean()))
    scale = 1 / deviation if deviation > 0 else 1.0
    decoder.items.fit_content(torch.from_numpy(mean), torch.tensor(scale))
