"""TIGER's model, and what it recommends: transformers' beam search, held to the SIDs that exist.

Every item is L tokens, each level with its own range behind padding. The search is `generate` as it comes, with
`prefix_allowed_tokens_fn` on a dictionary of prefixes to ready tensors, the fastest form it takes.

Source: Rajput et al. 2023, arXiv 2305.05065; prefix constraint: De Cao et al. 2021, arXiv 2010.00904.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import T5Config, T5ForConditionalGeneration

from sidflow.dataset.build import Dataset
from sidflow.dataset.tokens import item_tokens
from sidflow.decoder.dropout import Dropout
from sidflow.decoder.ranking import Contexts, context_batches
from sidflow.histories.table import Histories
from sidflow.semantic_ids.table import SidTable

PADDING = 0  # also the token that a target begins with, as T5 has it
FIRST = 1  # token of the first code

Prefix = tuple[int, ...]


@dataclass(frozen=True)
class Tiger:
    """Model and training of the paper's Beauty run, and what two CPU cores ask for.

    No user token: the paper hashes users into 2,000, GRID does without, and an unknown user has none.
    """

    dim: int = 128
    layers: int = 4  # of encoder and decoder each
    heads: int = 6
    head_dim: int = 64
    feed: int = 1_024
    dropout: float = 0.1
    max_items: int = 20  # newest items of a history that are read
    batch: int = 256  # targets a step
    lr: float = 1e-3  # its peak
    warmup: float = 0.05  # share of training
    clip_norm: float = 1.0
    validate_minutes: float = 5.0
    validation_users: int = 500
    validation_beam: int = 50
    seed: int = 0


@dataclass(frozen=True)
class TigerModel:
    """A network and the SIDs it speaks of.

    Attributes:
        network: T5 over tokens.
        tokens: Every item's, (N, L) int64.
        allowed: The tokens that may follow each prefix; none for a prefix that no item has.
        items: Item of each complete SID.
        max_items: Newest items of a history that are read.
    """

    network: Any
    tokens: Tensor
    allowed: dict[Prefix, Tensor]
    items: dict[Prefix, int]
    max_items: int


def make_tiger(sids: SidTable, settings: Tiger) -> TigerModel:
    """An untrained model of a SID table, from torch's random state."""
    tokens = FIRST + item_tokens(np.arange(len(sids.codes)), sids.codes, sids.sizes).astype(np.int64)
    config = T5Config(
        vocab_size=FIRST + sum(sids.sizes),
        d_model=settings.dim,
        num_layers=settings.layers,
        num_heads=settings.heads,
        d_kv=settings.head_dim,
        d_ff=settings.feed,
        dropout_rate=settings.dropout,
        pad_token_id=PADDING,
        decoder_start_token_id=PADDING,
        eos_token_id=None,
    )
    rows = [tuple(row) for row in tokens.tolist()]
    items = {row: item for item, row in enumerate(rows)}
    network = T5ForConditionalGeneration(config)
    network.set_attn_implementation("eager")  # on a CPU a tenth faster in training, a quarter in search, than "sdpa"
    replace_dropout(network, settings.dropout)
    return TigerModel(network, torch.from_numpy(tokens), allowed_tokens(rows), items, settings.max_items)


def replace_dropout(network: nn.Module, rate: float) -> None:
    """Put the decoder's cheap dropout in place of torch's, whose random floats take a quarter of a training step."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, Dropout(rate))


def allowed_tokens(rows: list[Prefix]) -> dict[Prefix, Tensor]:
    """The tokens (m,) that follow every proper prefix of the rows, ascending."""
    following: dict[Prefix, set[int]] = {}
    for row in rows:
        for length in range(len(row)):
            following.setdefault(row[:length], set()).add(row[length])
    return {prefix: torch.tensor(sorted(tokens)) for prefix, tokens in following.items()}


def tiger_ranks(
    model: TigerModel, dataset: Dataset, contexts: Contexts, beam: int = 50, k: int = 10, batch: int = 4
) -> np.ndarray:
    """Rank of every target among the k best items, from 1, (c,) int64; 0 where it is not there."""
    return listed_ranks(tiger_top(model, dataset, contexts, beam, k, batch), dataset.histories, contexts)


def listed_ranks(top: np.ndarray, histories: Histories, contexts: Contexts, unseen: bool = False) -> np.ndarray:
    """Rank of every target in lists (c, k), from 1, (c,) int64; 0 where it is not there.

    Args:
        top: Catalogue indices, best first; -1 for none.
        histories: All events.
        contexts: c of them.
        unseen: Leave out what a context holds.
    """
    ranks = np.zeros(len(top), np.int64)
    for row, (start, end) in enumerate(zip(contexts.starts, contexts.ends, strict=True)):
        items = top[row][~np.isin(top[row], histories.items[start:end])] if unseen else top[row]
        place = np.flatnonzero(items == histories.items[end])
        ranks[row] = place[0] + 1 if len(place) else 0
    return ranks


@torch.inference_mode()
def tiger_top(
    model: TigerModel, dataset: Dataset, contexts: Contexts, beam: int = 50, k: int = 10, batch: int = 4
) -> np.ndarray:
    """The k best items after each context, (c, k) int64, -1 where fewer were found; items already seen stay in.

    Args:
        model: Put into evaluation mode.
        dataset: The histories, and the SIDs that the model was made of.
        contexts: c of them.
        beam: Prefixes kept at every level, at least k.
        k: Items to rank.
        batch: Contexts at once; those of like length share a batch.
    """
    model.network.eval()
    top = np.full((len(contexts.users), k), -1, np.int64)
    nothing = torch.tensor([PADDING])  # what follows a beam that has left the SIDs: its score stays -inf

    def allowed(_: int, sequence: Tensor) -> Tensor:
        return model.allowed.get(tuple(sequence.tolist()[1:]), nothing)

    for rows, histories, lengths in context_batches(dataset.histories.items, contexts, model.max_items, batch):
        inputs, mask = encoder_inputs(model.tokens, histories, lengths)
        found = model.network.generate(
            input_ids=inputs,
            attention_mask=mask,
            max_new_tokens=model.tokens.shape[1],
            num_beams=beam,
            num_return_sequences=k,
            do_sample=False,
            prefix_allowed_tokens_fn=allowed,
        )
        sequences = found[:, 1:].tolist()
        top[rows] = np.array([model.items.get(tuple(each), -1) for each in sequences]).reshape(-1, k)
    again = np.tril(top[:, :, None] == top[:, None, :], -1).any(2)  # a beam wider than the SIDs repeats itself
    return np.where(again, -1, top)


def encoder_inputs(tokens: Tensor, histories: np.ndarray, lengths: np.ndarray) -> tuple[Tensor, Tensor]:
    """Tokens (b, T x L) of padded histories (b, T) of `lengths` (b,), and where they are no padding, int64 each."""
    inside = torch.arange(histories.shape[1]) < torch.from_numpy(lengths)[:, None]
    mask = inside.long().repeat_interleave(tokens.shape[1], 1)
    return tokens[torch.from_numpy(histories)].flatten(1) * mask, mask
