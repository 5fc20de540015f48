"""SASRec's model, and the exact ranks of targets among all items; trained by sasrec.py."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sidflow.decoder.layers import HistoryEncoder
from sidflow.decoder.ranking import Contexts, context_batches, seen_items
from sidflow.histories.table import Histories

SCORES = 1 << 24  # scores of contexts and items that are held at once: 64 MiB


@dataclass(frozen=True)
class SasRec:
    """Model and training; `patience` counts validations without a better one, 0 never stops."""

    dim: int = 128
    layers: int = 2
    heads: int = 2
    dropout: float = 0.5
    lr: float = 2e-3  # its peak
    weight_decay: float = 0.0
    epochs: int = 30
    max_len: int = 50  # newest items of a history that are seen
    batch_positions: int = 1_000
    warmup: float = 0.05  # share of training
    clip_norm: float = 1.0
    validate_every: int = 2  # epochs
    validation_users: int = 4_000  # at most, drawn as the decoder's are
    patience: int = 8  # as the decoder's
    seed: int = 0


class SasRecModel(nn.Module):
    """States of histories, to be multiplied with the item vectors.

    Shapes: N items, b histories, T items of each, d dimensions.
    """

    def __init__(self, items: int, settings: SasRec):
        super().__init__()
        self.max_len = settings.max_len
        self.items = nn.Embedding(items, settings.dim)
        nn.init.normal_(self.items.weight, std=0.02)
        self.history = HistoryEncoder(settings.dim, settings.layers, settings.heads, settings.dropout, settings.max_len)

    def forward(self, histories: Tensor, lengths: Tensor) -> Tensor:
        """States (b, T, d) of padded histories (b, T) of catalogue indices, of `lengths` (b,)."""
        states: Tensor = self.history(self.items(histories), lengths)
        return states


@torch.inference_mode()
def sasrec_ranks(model: SasRecModel, histories: Histories, contexts: Contexts, unseen: bool = False) -> np.ndarray:
    """Rank of every target among all items, from 1, (c,) int64; the context's items stay in, ties by index.

    Args:
        model: Put into evaluation mode.
        histories: Their events.
        contexts: c of them; the newest `max_len` items of each are read.
        unseen: Leave out what a context holds; a target that it holds then gets 0.
    """
    model.eval()
    table, ranks = model.items.weight, np.empty(len(contexts.users), np.int64)
    batch = max(1, min(256, SCORES // len(table)))
    for rows, items, lengths in context_batches(histories.items, contexts, model.max_len, batch):
        known = torch.from_numpy(lengths)
        states = model(torch.from_numpy(items), known)[torch.arange(len(rows)), known - 1]
        targets = torch.from_numpy(histories.items[contexts.ends[rows]].astype(np.int64))
        scores = states @ table.T
        if unseen:
            leave_out(scores, seen_items(histories.items, contexts.starts[rows], contexts.ends[rows]))
        ranks[rows] = count_ranks(scores, targets).numpy()
    return ranks


def leave_out(scores: Tensor, items: np.ndarray) -> None:
    """Give items (c, H), -1 for none, the lowest of scores (c, N)."""
    rows, places = np.nonzero(items >= 0)
    scores[torch.from_numpy(rows), torch.from_numpy(items[rows, places])] = -torch.inf


def count_ranks(scores: Tensor, targets: Tensor) -> Tensor:
    """Place of each target (c,) among scores (c, N), highest first and ties by index, from 1; 0 at -inf, (c,) int64."""
    own = scores.gather(1, targets[:, None])
    earlier = torch.arange(scores.shape[1]) < targets[:, None]
    places = 1 + ((scores > own) | ((scores == own) & earlier)).sum(1)
    return places.masked_fill(own[:, 0] == -torch.inf, 0)
