"""What a training epoch is fed with: batches, their candidates and the candidates' inputs."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from sidflow.decoder.candidates import Candidates, draw_candidates
from sidflow.decoder.model import Decoder
from sidflow.decoder.team import Team
from sidflow.decoder.windows import Batch, Windows, batches, cut_windows, gather_batch
from sidflow.histories.blocks import user_blocks
from sidflow.histories.table import Histories


class Prepared(NamedTuple):
    """One step's input: windows, the items compared, and what the item encoder takes for those.

    Attributes:
        batch: This process's windows.
        candidates: Items of the step, the same in all processes.
        inputs: `Decoder.item_inputs` of the candidates.
        targets: Positions that count, of all processes.
        share: This process's share of them, as a weight of its mean loss.
    """

    batch: Batch
    candidates: Candidates
    inputs: tuple[Tensor, Tensor, Tensor]
    targets: int
    share: float


@dataclass
class Cursor:
    """How far an epoch has come.

    Attributes:
        order: Blocks of users, in this epoch's order.
        turn: Blocks done.
        handed: Batches of the block at hand that were handed out.
        before: The generator's state before that block was cut.
        after: Its state after the last of those batches; None before the first.
    """

    order: list[int]
    turn: int = 0
    handed: int = 0
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class Feed:
    """The training data of a decoder, in passes that can be interrupted and taken up again.

    A log of more than eight million events is read in blocks of users, so that neither windows nor items of the whole
    are ever held; batches are drawn within a block, blocks in random order.
    """

    def __init__(
        self,
        decoder: Decoder,
        histories: Histories,
        vectors: np.ndarray,
        trained: np.ndarray,
        generator: np.random.Generator,
        team: Team | None = None,
    ):
        """Nothing is read yet.

        Args:
            decoder: Whose settings and device count.
            histories: Only their training prefixes are read.
            vectors: Content vectors, (N, D).
            trained: Items with training events, ascending.
            generator: Of windows, batches and candidates.
            team: Processes that share each batch.
        """
        self.decoder, self.vectors, self.trained, self.generator = decoder, vectors, trained, generator
        self.blocks, self.team, self.cursor = list(user_blocks(histories)), team or Team(), Cursor([])

    def epoch(self) -> Iterator[Prepared]:
        """One pass, or what is left of the one that was interrupted: every training target once, in random order."""
        config, generator = self.decoder.config, self.generator
        cursor = self.cursor = self.cursor if self.cursor.order else Cursor(self._order())
        everything = self.trained if len(self.trained) <= config.dense_candidates and config.dense_weight else None
        inputs = None if everything is None else self.decoder.item_inputs(self.vectors, everything)
        while cursor.turn < len(cursor.order):
            block = self.blocks[cursor.order[cursor.turn]]
            if cursor.before is not None:
                generator.bit_generator.state = cursor.before
            cursor.before = dict(generator.bit_generator.state)
            windows = cut_windows(block, self.decoder.max_items, generator)
            chosen = list(batches(windows, config.batch_positions, generator))
            if cursor.after is not None:
                generator.bit_generator.state = cursor.after
            for rows in chosen[cursor.handed :]:
                cursor.handed += 1
                yield self._prepare(block.items, windows, rows, inputs)
            cursor.turn, cursor.handed, cursor.before, cursor.after = cursor.turn + 1, 0, None, None
        self.cursor = Cursor([])

    def steps(self) -> int:
        """Steps of an epoch; long histories, cut at random, may make it one or two more or less."""
        max_items, positions = self.decoder.max_items, self.decoder.config.batch_positions
        windows = (cut_windows(block, max_items, np.random.default_rng(0)) for block in self.blocks)
        return sum(1 for each in windows for _ in batches(each, positions, np.random.default_rng(0)))

    def state(self) -> dict[str, Any]:
        """Where the pass stands after the batch that was handed out last, as numbers and text."""
        return {**asdict(self.cursor), "after": self.generator.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        """Let the next `epoch` go on where `state` was."""
        self.cursor = Cursor(**state)

    def _order(self) -> list[int]:
        """Blocks in random order; one block alone draws nothing."""
        count = len(self.blocks)
        return [0] if count == 1 else [int(each) for each in self.generator.permutation(count)]

    def _prepare(
        self, items: np.ndarray, windows: Windows, rows: np.ndarray, inputs: tuple[Tensor, Tensor, Tensor] | None
    ) -> Prepared:
        whole = gather_batch(items, windows, rows)
        if inputs is not None:
            candidates = Candidates(self.trained, None)
        else:
            used = np.unique(np.append(whole.items, whole.targets))
            limit = self.decoder.config.dense_candidates if self.decoder.config.dense_weight else 0
            candidates = draw_candidates(used, self.trained, limit, self.generator)
            inputs = self.decoder.item_inputs(self.vectors, candidates.items)
        mine = self.team.part(rows)
        batch = whole if self.team.size == 1 else gather_batch(items, windows, mine if len(mine) else rows[:1])
        share = len(batch.targets) / len(whole.targets) if len(mine) else 0.0
        return Prepared(batch, candidates, inputs, len(whole.targets), share)
