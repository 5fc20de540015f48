"""One task per partition, here or on Dask workers; a worker imports this file, numpy and the task, nothing else."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from sidflow.errors import SidflowError

Calls = Sequence[tuple[Any, ...]]
Progress = Callable[[int, int], None] | None

_PIECE = 1 << 24  # array elements that travel in one message
_LOOK_S = 2  # between looks at whether any worker is left
_ALONE_S = 30  # without any worker, until waiting for one is given up; a nanny replaces a dead one in a few


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
        """A file, or tasks that hold pieces: the scheduler makes a piece again where a worker's death loses it."""
        if self._folder is None:
            pieces = [array[start : start + _PIECE] for start in range(0, max(len(array), 1), _PIECE)]
            return [self._client.submit(_held, piece, pure=False) for piece in pieces]
        path = self._folder / f"shared-{self._files}.npy"
        self._files += 1
        np.save(path, array)
        return _File(str(path))

    def map(self, function: Callable[..., Any], calls: Calls, on_progress: Progress = None) -> list[Any]:
        """Finished futures.

        Raises:
            CancelledError: If the scheduler goes away.
            SidflowError: If no worker is left and none comes.
        """
        futures = [self._client.submit(_call, function, *call, pure=False) for call in calls]
        for done, future in enumerate(self._finished(futures), 1):
            if future.cancelled():
                raise CancelledError("the connection to the scheduler broke")
            error = future.exception()
            if error is not None:
                raise error
            if on_progress:
                on_progress(done, len(futures))
        return futures

    def fetch(self, results: list[Any]) -> list[Any]:
        """The futures' results; those that died with their worker are made again."""
        for _ in self._finished(results):
            pass
        return list(self._client.gather(results))

    def _finished(self, futures: list[Any]) -> Iterator[Any]:
        """Futures as they finish, for as long as there is anybody to finish them."""
        from distributed import wait

        waiting, alone_since = set(futures), None
        while waiting:
            try:
                with self._client.as_current():
                    finished = wait(waiting, timeout=_LOOK_S, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                if self._client.nthreads():
                    alone_since = None
                    continue
                alone_since = alone_since or time.monotonic()
                if time.monotonic() - alone_since > _ALONE_S:
                    raise SidflowError(
                        f"pairs: the Dask scheduler has had no worker for {_ALONE_S} s. Start some with `dask worker "
                        f"{self._client.scheduler.address}`, and run again."
                    ) from None
                continue
            waiting -= finished
            yield from finished


class _File(NamedTuple):
    path: str


def _held(piece: np.ndarray) -> np.ndarray:
    return piece


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
