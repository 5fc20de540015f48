"""The hierarchical decoder: a transformer over items, then a level decoder over the next item's codes."""

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from sidflow.config import DecoderConfig
from sidflow.decoder.items import ItemEncoder
from sidflow.decoder.layers import HistoryEncoder
from sidflow.decoder.levels import LevelDecoder
from sidflow.decoder.memory import Rescorer
from sidflow.errors import ConfigError, ShapeError
from sidflow.semantic_ids.table import SidTable


class Decoder(nn.Module):
    """A retriever over the semantic IDs of one SID table.

    Items are found by their codes and ranked by a score: (1 - dense_share) times the log-probability of the codes plus
    dense_share times the dense logit, the product of the history's state with the item's own vector. With a `rescorer`,
    fitted after training, the score is a weighted sum of both and of what the log remembers. In it the codes count next
    to nothing (a weight of about -0.1 on Beauty), since it is fitted where the beam, which goes by the codes, has found
    the target.

    Shapes: N items, L levels, D content dimensions, d dimensions, b histories of T items.

    Source: the split into a timeline of items and a small decoder of codes is that of MARIUS, arXiv 2508.14910.
    """

    codes: Tensor

    def __init__(self, sids: SidTable, content_dim: int, config: DecoderConfig, max_items: int):
        super().__init__()
        if config.dim % config.heads:
            raise ConfigError(
                f"decoder.dim={config.dim} is not a multiple of decoder.heads={config.heads}; change one."
            )
        self.config, self.max_items, self.content_dim = config, max_items, content_dim
        self.item_ids: pa.Array = sids.item_ids
        self.sizes, self.digest = tuple(sids.sizes), sids.digest()
        self.register_buffer("codes", torch.from_numpy(sids.codes.astype(np.int64)), persistent=False)
        self.items = ItemEncoder(
            self.sizes, len(sids.codes), content_dim, config.dim, config.code_dropout, config.item_dropout
        )
        self.history = HistoryEncoder(config.dim, config.layers, config.heads, config.dropout, max_items)
        self.levels = LevelDecoder(self.sizes, config.dim, config.dropout)
        self.rescorer: Rescorer | None = None

    @property
    def dense_share(self) -> float:
        """Share of the dense head in an item's score; none if it was not trained."""
        return self.config.dense_share if self.config.dense_weight else 0.0

    def item_inputs(self, vectors: np.ndarray, items: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
        """What `self.items` takes for catalogue indices (n,): them, their codes and their standardised content."""
        index = torch.from_numpy(items).to(self.codes.device)
        content = torch.from_numpy(np.asarray(vectors[items], np.float32)).to(index.device)
        return index, self.codes[index], self.items.standardise(content)

    @torch.inference_mode()
    def item_table(self, vectors: np.ndarray, batch: int = 65_536) -> Tensor:
        """The vectors (N, d) of all items for inference.

        Args:
            vectors: Content vectors by catalogue index, (N, D) float32.
            batch: Items at once.

        Raises:
            ShapeError: If `vectors` is not of this catalogue or of another width.
        """
        check_vectors(vectors, (len(self.codes), self.content_dim))
        parts = []
        for start in range(0, len(vectors), batch):
            stop = min(start + batch, len(vectors))
            parts.append(self.items(*self.item_inputs(vectors, np.arange(start, stop))))
        return torch.cat(parts)


def check_vectors(vectors: np.ndarray, expected: tuple[int, int]) -> None:
    """Refuse content vectors that do not belong to the catalogue.

    Raises:
        ShapeError: If their shape is not `expected`.
    """
    if vectors.shape != expected:
        raise ShapeError(
            f"decoder: got content vectors of shape {tuple(vectors.shape)}, expected {expected} (items, dimensions); "
            "embeddings and SID table must come from one catalogue and the model from the same embeddings."
        )
