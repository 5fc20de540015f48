"""One vector an item: its codes, its content, and what was learned about the item itself."""

import torch
from torch import Tensor, nn


class ItemEncoder(nn.Module):
    """Sum of an item's code embeddings, a projection of its content vector and a vector of its own.

    In training, codes are masked and, where an item is read from a history, its own vector is forgotten by
    chance, so that an item without training events, which never has one, is described by what remains. Where it is
    always forgotten (`item_dropout` 1) there is none, for the dense head and at inference neither.

    Shapes: n items, L levels, D content dimensions, d model dimensions.
    """

    known: Tensor
    content_mean: Tensor
    content_scale: Tensor

    def __init__(
        self, sizes: tuple[int, ...], items: int, content: int, dim: int, code_dropout: float, item_dropout: float
    ):
        super().__init__()
        self.codes = nn.ModuleList(nn.Embedding(size + 1, dim) for size in sizes)  # the last row is the mask
        self.content = nn.Linear(content, dim)
        self.own = nn.Embedding(items, dim)
        self.sizes = sizes
        self.code_dropout, self.item_dropout = code_dropout, item_dropout
        self.register_buffer("known", torch.zeros(items, dtype=torch.bool))  # has training events
        self.register_buffer("content_mean", torch.zeros(content))
        self.register_buffer("content_scale", torch.ones(()))
        for table in (*self.codes.parameters(), self.own.weight):
            nn.init.normal_(table, std=0.02)
        nn.init.normal_(self.content.weight, std=0.02 / content**0.5)  # a standardised vector projects to std 0.02
        nn.init.zeros_(self.content.bias)

    def fit_content(self, mean: Tensor, scale: Tensor) -> None:
        """Set what `standardise` takes off and multiplies with: the mean (D,) and one factor ()."""
        self.content_mean.copy_(mean)
        self.content_scale.copy_(scale)

    def standardise(self, content: Tensor) -> Tensor:
        """Content vectors (n, D) with the mean taken off, scaled to unit variance as a whole."""
        return (content - self.content_mean) * self.content_scale

    def forward(self, items: Tensor, codes: Tensor, content: Tensor) -> Tensor:
        """Item vectors (n, d) of catalogue indices (n,), their codes (n, L) and standardised content (n, D)."""
        vectors: Tensor = self.content(content)
        if self.item_dropout < 1:
            vectors = vectors + self.own(items) * self.known[items, None]
        if self.training:
            masked = torch.rand(codes.shape, device=codes.device) < self.code_dropout
            codes = torch.where(masked, torch.tensor(self.sizes, device=codes.device), codes)
        for level, table in enumerate(self.codes):
            vectors = vectors + table(codes[:, level])
        return vectors

    def forget_own(self, vectors: Tensor, items: Tensor) -> Tensor:
        """In training, vectors (..., d) of items (...) with their own part taken off by chance; else as they are."""
        if not self.training or self.item_dropout == 1:
            return vectors
        forgotten = self.known[items] & (torch.rand(items.shape, device=items.device) < self.item_dropout)
        kept: Tensor = vectors - self.own(items) * forgotten[..., None]
        return kept
