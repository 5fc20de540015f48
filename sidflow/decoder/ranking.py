"""What the decoder recommends after a stretch of history, for many users at once."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sidflow.decoder.model import Decoder
from sidflow.decoder.search import Trie, beam_search
from sidflow.histories.table import Histories


class Contexts(NamedTuple):
    """What is shown to the decoder, c contexts: events [starts, ends) of the histories; the target is event `ends`.

    Attributes:
        users: Row in the histories, (c,) int64.
        starts, ends: Event indices, (c,) int64.
    """

    users: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


def validation_contexts(histories: Histories) -> Contexts:
    """The training prefix of every user who has one and a validation event, which is the target."""
    return _contexts(histories, histories.n_train.astype(np.int64), histories.n_validation > 0)


def measured_contexts(histories: Histories) -> Contexts:
    """All events before the first test event of every user who has one, and at least one event before it."""
    before = histories.n_train.astype(np.int64) + histories.n_validation
    return _contexts(histories, before, np.diff(histories.offsets) > before)


def _contexts(histories: Histories, before: np.ndarray, wanted: np.ndarray) -> Contexts:
    users = np.flatnonzero(wanted & (before > 0))
    starts = histories.offsets[users]
    return Contexts(users, starts, starts + before[users])


class Ranking(NamedTuple):
    """Ranked items of c contexts: `top` (c, k) int64, -1 where fewer were found; `ranks` (c,) int64 of the targets,
    counted from 1, 0 where the target is not among the k.
    """

    top: np.ndarray
    ranks: np.ndarray


def rank_contexts(
    decoder: Decoder,
    table: Tensor,
    trie: Trie,
    items: np.ndarray,
    contexts: Contexts,
    beam: int,
    k: int,
    batch: int = 256,
    on_progress: Callable[[int, int], None] | None = None,
) -> Ranking:
    """The k best items after each context and the rank of its target; items already seen stay in.

    Args:
        decoder: The model; put into evaluation mode.
        table: Item vectors, (N, d).
        trie: SIDs that exist.
        items: The histories' events, (n,).
        contexts: Which stretches.
        beam: Prefixes kept at every level.
        k: Items to rank.
        batch: Contexts at once; those of like length share a batch.
        on_progress: Called with (done, total) contexts.
    """
    decoder.eval()
    starts = np.maximum(contexts.starts, contexts.ends - decoder.max_items)
    lengths = contexts.ends - starts
    order = np.argsort(lengths, kind="stable")
    top = np.full((len(order), k), -1, np.int64)
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        padded = pad_histories(items, starts[rows], lengths[rows])
        states = encode_contexts(decoder, table, padded, lengths[rows])
        top[rows] = beam_search(decoder, table, states, trie, beam, k)[0].cpu().numpy()
        if on_progress:
            on_progress(min(first + batch, len(order)), len(order))
    hits = top == items[contexts.ends][:, None]
    return Ranking(top, np.where(hits.any(1), hits.argmax(1) + 1, 0))


def pad_histories(items: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Events [start, start + length) of `items` side by side, (c, longest) int64, padded on the right."""
    step = np.arange(lengths.max())
    return items[np.where(step < lengths[:, None], starts[:, None] + step, starts[:, None])].astype(np.int64)


@torch.inference_mode()
def encode_contexts(decoder: Decoder, table: Tensor, histories: np.ndarray, lengths: np.ndarray) -> Tensor:
    """The state after the newest item of each padded history (c, T) of `lengths` (c,): (c, d) float32."""
    device = table.device
    known = torch.from_numpy(lengths).to(device)
    states: Tensor = decoder(table, torch.from_numpy(histories).to(device), known)
    return states[torch.arange(len(states), device=device), known - 1].float()
