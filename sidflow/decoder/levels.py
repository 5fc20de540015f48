"""The level decoder: from a history's state to the next item's codes, one level after another."""

from torch import Tensor, nn

from sidflow.decoder.dropout import Dropout


class LevelDecoder(nn.Module):
    """A small network a level over the state plus the embeddings of the codes chosen so far.

    There is no attention among levels, so that a beam is a row of a batched matrix product. Input, prefix
    and output tables are separate.

    Shapes: n positions, L levels, K_l codes of level l, d dimensions.
    """

    def __init__(self, sizes: tuple[int, ...], dim: int, dropout: float):
        super().__init__()
        self.prefixes = nn.ModuleList(nn.Embedding(size, dim) for size in sizes[:-1])
        self.mixers = nn.ModuleList(_mixer(dim, dropout) for _ in sizes)
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in sizes)
        self.outputs = nn.ModuleList(nn.Linear(dim, size) for size in sizes)
        for table in self.prefixes.parameters():
            nn.init.normal_(table, std=0.02)

    def forward(self, states: Tensor, codes: Tensor) -> list[Tensor]:
        """Logits of every level, (n, K_l) each, under teacher forcing.

        Args:
            states: History states, (n, d).
            codes: Codes of the item that came next, (n, L).
        """
        logits = []
        for level in range(len(self.outputs)):
            logits.append(self.logits(states, level))
            states = self.follow(states, codes[:, level], level)
        return logits

    def logits(self, states: Tensor, level: int) -> Tensor:
        """Logits over one level's codes, (..., K_l), of states (..., d) that know the prefix."""
        logits: Tensor = self.outputs[level](self.norms[level](states + self.mixers[level](states)))
        return logits

    def follow(self, states: Tensor, codes: Tensor, level: int) -> Tensor:
        """The states (..., d) after codes (...) of a level were chosen; the last level's need no memory."""
        return states if level == len(self.prefixes) else states + self.prefixes[level](codes)


def _mixer(dim: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), Dropout(dropout), nn.Linear(2 * dim, dim)
    )
