"""What the decoder recommends after a stretch of history, for many users at once."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sidflow.decoder.cold import Search
from sidflow.decoder.model import Decoder
from sidflow.decoder.rescore import make_rescore
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

    def take(self, rows: np.ndarray | slice) -> "Contexts":
        """Those of the given numbers, in that order."""
        return Contexts(*(each[rows] for each in self))


def validation_contexts(histories: Histories) -> Contexts:
    """The training prefix of every user who has one and a validation event, which is the target."""
    return _contexts(histories, histories.n_train.astype(np.int64), histories.n_validation > 0)


def drawn_contexts(histories: Histories, most: int, seed: int) -> Contexts:
    """At most so many validation contexts, drawn once by the seed, in order."""
    contexts = validation_contexts(histories)
    if len(contexts.users) <= most:
        return contexts
    chosen = np.sort(np.random.default_rng(seed).choice(len(contexts.users), most, replace=False))
    return contexts.take(chosen)


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
    search: Search,
    items: np.ndarray,
    contexts: Contexts,
    beam: int,
    k: int,
    batch: int = 256,
    on_progress: Callable[[int, int], None] | None = None,
    vectors: np.ndarray | None = None,
    unseen: bool = False,
) -> Ranking:
    """The k best items after each context and the rank of its target.

    Args:
        search: How lists are made; its decoder is put into evaluation mode.
        items: The histories' events, (n,).
        contexts: Which stretches.
        beam: Prefixes kept at every level.
        k: Items to rank.
        batch: Contexts at once; those of like length share a batch.
        on_progress: Called with (done, total) contexts.
        vectors: Content vectors, (N, D); with them the decoder's rescorer ranks what the beam finds, if it has one.
        unseen: Leave out the items that a context holds.
    """
    decoder, done = search.decoder.eval(), 0
    top = np.full((len(contexts.users), k), -1, np.int64)
    for rows, histories, lengths in context_batches(items, contexts, decoder.max_items, batch):
        states = encode_contexts(decoder, search.table, histories, lengths)
        rescore = None if vectors is None else make_rescore(decoder.rescorer, vectors, histories, lengths)
        excluded = seen_items(items, contexts.starts[rows], contexts.ends[rows]) if unseen else None
        top[rows] = search(states, beam, k, excluded, rescore)[0].cpu().numpy()
        done += len(rows)
        if on_progress:
            on_progress(done, len(top))
    return Ranking(top, 1 + target_places(top, items[contexts.ends]))


def target_places(items: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Where each target (b,) stands among the items (b, k) of its row, (b,) int64 from 0; -1 where it does not."""
    hits = items == targets[:, None]
    return np.where(hits.any(1), hits.argmax(1), -1)


def context_batches(
    items: np.ndarray, contexts: Contexts, max_items: int, batch: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Contexts of like length together: their rows (b,), padded histories (b, T) and lengths (b,)."""
    starts = np.maximum(contexts.starts, contexts.ends - max_items)
    lengths = contexts.ends - starts
    order = np.argsort(lengths, kind="stable")
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        yield rows, pad_histories(items, starts[rows], lengths[rows]), lengths[rows]


def pad_histories(items: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Events [start, start + length) of `items` side by side, (c, longest) int64, padded on the right."""
    step = np.arange(lengths.max())
    return items[np.where(step < lengths[:, None], starts[:, None] + step, starts[:, None])].astype(np.int64)


def seen_items(items: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Events [starts, ends) of `items` side by side, (c, longest) int64, -1 behind the last: what to leave out."""
    lengths = ends - starts
    padded = pad_histories(items, starts, lengths)
    return np.where(np.arange(padded.shape[1]) < lengths[:, None], padded, -1)


@torch.inference_mode()
def encode_contexts(decoder: Decoder, table: Tensor, histories: np.ndarray, lengths: np.ndarray) -> Tensor:
    """The state after the newest item of each padded history (c, T) of `lengths` (c,): (c, d) float32."""
    known = torch.from_numpy(lengths).to(table.device)
    vectors = torch.nn.functional.embedding(torch.from_numpy(histories).to(table.device), table)
    return decoder.history.newest(vectors, known).float()
