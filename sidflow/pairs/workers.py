"""One task per partition, here or on Dask workers; a worker imports this file, numpy and the task, nothing else."""

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

Calls = Sequence[tuple[Any, ...]]
Progress = Callable[[int, int], None] | None

_PIECE = 1 << 24  # array elements that travel in one message


class Workers(Protocol):
    """Runs a function over partitions; results stay where they were made until fetched."""

    def share(self, array: np.ndarray) -> Any:
        """Place an array within reach of every task; what comes back stands for it among the arguments of `map`."""

    def map(self, function: Callable[..., Any], calls: Calls, on_progress: Progress = None) -> list[Any]:
        """Run one task per argument tuple to its end; what comes back stands for the results, in the same order."""

    def fetch(self, results: list[Any]) -> list[Any]:
        """Bring results of `map` here."""


class InProcess:
    """No workers: tasks run here, one after another."""

    def share(self, array: np.ndarray) -> Any:
        """The array itself."""
        return array

    def map(self, function: Callable[..., Any], calls: Calls, on_progress: Progress = None) -> list[Any]:
        """The results themselves."""
        results = []
        for call in calls:
            results.append(function(*call))
            if on_progress:
                on_progress(len(results), len(calls))
        return results

    def fetch(self, results: list[Any]) -> list[Any]:
        """The same list."""
        return results


class OnDask:
    """Tasks run on the workers of a Dask client.

    Args:
        client: A `distributed.Client`.
        folder: Where arrays are shared as memory-mapped files, if the workers see it; None sends them over the network.
    """

    def __init__(self, client: Any, folder: Path | None):
        self._client = client
        self._folder = folder
        self._files = 0

    def share(self, array: np.ndarray) -> Any:
        """A file, or pieces in the memory of every worker, so that no worker's death loses one."""
        if self._folder is None:
            pieces = [array[start : start + _PIECE] for start in range(0, max(len(array), 1), _PIECE)]
            return self._client.scatter(pieces, broadcast=True, hash=False)
        path = self._folder / f"shared-{self._files}.npy"
        self._files += 1
        np.save(path, array)
        return _File(str(path))

    def map(self, function: Callable[..., Any], calls: Calls, on_progress: Progress = None) -> list[Any]:
        """Finished futures.

        Raises:
            CancelledError: If the scheduler goes away.
        """
        from distributed import as_completed

        futures = [self._client.submit(_call, function, *call, pure=False) for call in calls]
        for done, future in enumerate(as_completed(futures, loop=self._client.loop), 1):
            if future.cancelled():
                raise CancelledError("the connection to the scheduler broke")
            error = future.exception()
            if error is not None:
                raise error
            if on_progress:
                on_progress(done, len(futures))
        return futures

    def fetch(self, results: list[Any]) -> list[Any]:
        """The futures' results."""
        return list(self._client.gather(results))


class _File(NamedTuple):
    path: str


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*map(_restored, arguments))


def _restored(argument: Any) -> Any:
    match argument:
        case _File(path):
            return np.load(path, mmap_mode="r")
        case list(pieces):
            return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        case _:
            return argument
