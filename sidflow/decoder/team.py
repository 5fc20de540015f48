"""The processes that train one decoder side by side: usually one, more where a launcher started them."""

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sidflow.device import best_device


class Team:
    """Data-parallel processes: all hold the same weights, each reads its share of every batch.

    Attributes:
        rank: This process, in [0, size).
        size: Processes.
        device: What this process computes on.
    """

    def __init__(self, accelerator: Any = None):
        """A process alone, or one of those that an `accelerate.Accelerator` has joined."""
        self._accelerator = accelerator
        self.rank = 0 if accelerator is None else int(accelerator.process_index)
        self.size = 1 if accelerator is None else int(accelerator.num_processes)
        self.device: torch.device = _device() if accelerator is None else accelerator.device

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes and reports."""
        return self.rank == 0

    def part(self, rows: np.ndarray) -> np.ndarray:
        """This process's rows of (n,): every size-th, so that rows sorted by length are shared out evenly."""
        return rows[self.rank :: self.size]

    def seed(self, seed: int, step: int) -> None:
        """Among several processes, noise of a process and a step; a process alone draws on from one stream.

        So nothing but the seed and the step has to be known to go on where a team was interrupted.
        """
        if self.size > 1:
            torch.manual_seed(int(np.random.SeedSequence([seed, step, self.rank]).generate_state(1, np.uint64)[0] >> 1))

    def add_up(self, parameters: Iterable[Tensor], values: Tensor) -> Tensor:
        """Sum gradients, in place, and `values` over all processes; all of them must call."""
        if self.size == 1:
            return values
        gradients = [each.grad for each in parameters if each.grad is not None]
        parts = [each.flatten() for each in (*gradients, values)]
        joined: Tensor = self._accelerator.reduce(torch.cat(parts), reduction="sum")
        summed: tuple[Tensor, ...] = torch.split(joined, [part.numel() for part in parts])
        for gradient, total in zip(gradients, summed[:-1], strict=True):
            gradient.copy_(total.view_as(gradient))
        return summed[-1].view_as(values)

    def gather(self, mine: np.ndarray, count: int) -> np.ndarray:
        """All (count,) int64 values of which `part` gave each process its own."""
        if self.size == 1:
            return mine
        values = torch.zeros(count, dtype=torch.int64, device=self.device)
        values[self.rank :: self.size] = torch.from_numpy(mine).to(self.device)
        return np.asarray(self._accelerator.reduce(values, reduction="sum").cpu().numpy())


def launched_team() -> Team:
    """The team that `torchrun` or `accelerate launch` started this process for; without them, this process alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Team()
    from accelerate import Accelerator  # takes a second to import

    return Team(Accelerator(cpu=_device().type == "cpu"))


def _device() -> torch.device:
    """A CUDA device if there is one, else the CPU: Apple's lacks operations that training and search use."""
    device = best_device()
    return device if device.type == "cuda" else torch.device("cpu")
