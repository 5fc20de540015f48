"""All that a decoder's training has become so far, so that it can be written down and taken up again."""

import time
from typing import Any

import numpy as np
import torch

from sidflow.artifacts.checkpoint import State
from sidflow.decoder.feed import Feed, Prepared
from sidflow.decoder.loss import Losses
from sidflow.decoder.selection import Selection

Row = dict[str, Any]


class Progress:
    """Weights, moments, random states, counts and the best weights of one training.

    Attributes:
        epoch: Epochs done.
        step: Steps done.
        positions: Targets learned from.
        curve: A row for each validation so far.
    """

    def __init__(self, feed: Feed, optimizer: torch.optim.Optimizer, selection: Selection):
        """The very beginning; the clock starts."""
        self.feed, self.optimizer, self.selection = feed, optimizer, selection
        self.epoch = self.step = self.positions = 0
        self.curve: list[Row] = []
        self._sums = np.zeros(3)  # since the last row: losses by position, positions
        self._began = 0.0  # seconds at which training went on after the last validation
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Time spent so far, that of interrupted processes included."""
        return time.perf_counter() - self._started

    @property
    def positions_per_second(self) -> float:
        """Positions learned a second until the last row, without validations: that of all rows together."""
        positions = np.diff([row["positions"] for row in self.curve], prepend=0)
        return float(positions.sum() / (positions / [row["positions_per_second"] for row in self.curve]).sum())

    def count(self, prepared: Prepared, losses: Losses) -> None:
        """Note a step."""
        self.step, self.positions = self.step + 1, self.positions + prepared.targets
        self._sums += prepared.targets * np.array([losses.levels.item(), losses.dense.item(), 1.0])

    def row(self) -> Row:
        """Counts so far; mean losses by position, and positions learned a second, of all epochs since the last row."""
        (levels, dense, positions), seconds = self._sums.tolist(), self.seconds
        row = {"epoch": self.epoch, "step": self.step, "positions": self.positions, "seconds": seconds}
        rate = positions / (seconds - self._began)
        return row | {"positions_per_second": rate, "loss_levels": levels / positions, "loss_dense": dense / positions}

    def add(self, row: Row) -> None:
        """Note a row of the curve; training goes on from here."""
        self.curve.append(row)
        self._sums, self._began = np.zeros(3), self.seconds

    def state(self) -> State:
        """Everything that the next step depends on, as tensors, numbers and text."""
        decoder = self.feed.decoder
        on_gpu = decoder.codes.device.type == "cuda"
        return {
            "counts": (self.epoch, self.step, self.positions, self._sums.tolist(), self.seconds, self._began),
            "curve": self.curve,
            "weights": decoder.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "feed": self.feed.state(),
            "noise": torch.get_rng_state(),
            "noise_gpu": torch.cuda.get_rng_state(decoder.codes.device) if on_gpu else None,
            "selection": self.selection.state(),
        }

    def restore(self, state: State) -> None:
        """Go on from what `state` wrote."""
        self.epoch, self.step, self.positions, sums, seconds, self._began = state["counts"]
        self._sums, self._started = np.array(sums), time.perf_counter() - seconds
        self.curve = state["curve"]
        self.feed.decoder.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.feed.restore(state["feed"])
        torch.set_rng_state(state["noise"].cpu())
        if state["noise_gpu"] is not None:
            torch.cuda.set_rng_state(state["noise_gpu"].cpu(), self.feed.decoder.codes.device)
        self.selection.go_on(state["selection"])
