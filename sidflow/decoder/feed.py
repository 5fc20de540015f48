"""What a training epoch is fed with: batches, their candidates and the candidates' inputs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor

from sidflow.decoder.candidates import Candidates, draw_candidates
from sidflow.decoder.model import Decoder
from sidflow.decoder.windows import Batch, batches, cut_windows, gather_batch
from sidflow.histories.table import Histories


class Prepared(NamedTuple):
    """One step's input: windows, the items compared, and what the item encoder takes for those."""

    batch: Batch
    candidates: Candidates
    inputs: tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Feed:
    """The training data of a decoder.

    Attributes:
        decoder: Whose settings and device count.
        histories: Only their training prefixes are read.
        vectors: Content vectors, (N, D).
        trained: Items with training events, ascending.
        generator: Of windows, batches and candidates.
    """

    decoder: Decoder
    histories: Histories
    vectors: np.ndarray
    trained: np.ndarray
    generator: np.random.Generator

    def epoch(self) -> Iterator[Prepared]:
        """One pass: every training target once, in random order."""
        config = self.decoder.config
        windows = cut_windows(self.histories, self.decoder.max_items, self.generator)
        everything = self.trained if len(self.trained) <= config.dense_candidates and config.dense_weight else None
        inputs = None if everything is None else self.decoder.item_inputs(self.vectors, everything)
        for chosen in batches(windows, config.batch_positions, self.generator):
            batch = gather_batch(self.histories.items, windows, chosen)
            if inputs is not None:
                yield Prepared(batch, Candidates(self.trained, None), inputs)
                continue
            used = np.unique(np.append(batch.items, batch.targets))
            limit = config.dense_candidates if config.dense_weight else 0
            candidates = draw_candidates(used, self.trained, limit, self.generator)
            yield Prepared(batch, candidates, self.decoder.item_inputs(self.vectors, candidates.items))

    def steps(self) -> int:
        """Steps of an epoch; long histories, cut at random, may make it one or two more or less."""
        windows = cut_windows(self.histories, self.decoder.max_items, np.random.default_rng(0))
        return sum(1 for _ in batches(windows, self.decoder.config.batch_positions, np.random.default_rng(0)))
