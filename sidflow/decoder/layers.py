"""A causal transformer over items, not over tokens: T positions where a flat decoder needs T x L."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from sidflow.decoder.dropout import Dropout


class HistoryEncoder(nn.Module):
    """Pre-LN causal transformer with positions counted back from the newest item.

    Shapes: b histories, T items, d dimensions. Histories are padded on the right: behind a causal mask
    padding is never looked at, so no mask is needed.

    Source: Vaswani et al. 2017, arXiv 1706.03762; pre-LN: Xiong et al. 2020, arXiv 2002.04745.
    """

    def __init__(self, dim: int, layers: int, heads: int, dropout: float, max_items: int):
        super().__init__()
        self.positions = nn.Embedding(max_items, dim)
        self.scale = dim**0.5
        self.dropout = Dropout(dropout)
        self.blocks = nn.ModuleList(Block(dim, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        nn.init.normal_(self.positions.weight, std=0.02)

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """States (b, T, d): the one at t has seen items 0..t.

        Args:
            vectors: Item vectors in time order, (b, T, d), T <= max_items.
            lengths: Items of each history, (b,); what lies behind is padding.
        """
        states = self._placed(vectors, lengths)
        for block in self.blocks:
            states = block(states)
        normed: Tensor = self.norm(states)
        return normed

    def newest(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """The state at the newest item of each history alone, (b, d), in evaluation mode; arguments as above.

        The last block is spared all other positions.
        """
        states = self._placed(vectors, lengths)
        for block in self.blocks[:-1]:
            states = block(states)
        normed: Tensor = self.norm(cast("Block", self.blocks[-1]).at(states, lengths - 1))
        return normed

    def _placed(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        steps = torch.arange(vectors.shape[1], device=vectors.device)
        age = (lengths[:, None] - 1 - steps).clamp_min(0)
        placed: Tensor = self.dropout(vectors * self.scale + self.positions(age))
        return placed


class Block(nn.Module):
    """Causal self-attention, then a feed-forward layer of four times the width."""

    def __init__(self, dim: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.feed_norm = nn.LayerNorm(dim)
        self.feed = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.dropout = Dropout(dropout)

    def forward(self, states: Tensor) -> Tensor:
        """(b, T, d) to (b, T, d)."""
        b, steps, dim = states.shape
        qkv = self.qkv(self.attention_norm(states)).view(b, steps, 3, self.heads, dim // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each (b, heads, T, d / heads)
        mixed = causal_attention(query, key, value)
        states = states + self.dropout(self.out(mixed.transpose(1, 2).reshape(b, steps, dim)))
        fed: Tensor = states + self.dropout(self.feed(self.feed_norm(states)))
        return fed

    def at(self, states: Tensor, places: Tensor) -> Tensor:
        """What `forward` gives at one position of each history, `places` (b,): (b, d), in evaluation mode."""
        b, steps, dim = states.shape
        rows, normed = torch.arange(b, device=states.device), self.attention_norm(states)
        own, weight, bias = states[rows, places], self.qkv.weight, self.qkv.bias
        query = functional.linear(normed[rows, places], weight[:dim], bias[:dim])
        query = query.view(b, self.heads, 1, dim // self.heads)
        rest = functional.linear(normed, weight[dim:], bias[dim:]).view(b, steps, 2, self.heads, dim // self.heads)
        key, value = rest.permute(2, 0, 3, 1, 4)  # each (b, heads, T, d / heads)
        later = torch.arange(steps, device=states.device) > places[:, None]
        weights = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        mixed = weights.masked_fill(later[:, None, None], -torch.inf).softmax(-1) @ value
        own = own + self.out(mixed.reshape(b, dim))
        fed: Tensor = own + self.feed(self.feed_norm(own))
        return fed


def causal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Each position's softmax-weighted mean of the values up to its own, all (b, heads, T, d / heads).

    On a CPU the two products are written out: at 4 to 50 items, forward and backward in bfloat16 take a fifth
    to a half of the time of torch's blockwise kernel.
    """
    if query.device.type != "cpu":
        return functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    steps = query.shape[-2]
    future = torch.full((steps, steps), -torch.inf, dtype=query.dtype).triu(1)
    weights = (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + future).softmax(-1)
    mixed: Tensor = weights.to(value.dtype) @ value
    return mixed
