"""The Dask cluster that pair statistics run on: local worker processes, or one that is already there."""

import asyncio
import logging
import sys
import tempfile
import threading
import types
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sidflow.config.learning import DaskConfig
from sidflow.errors import ConfigError, SidflowError
from sidflow.pairs.workers import InProcess, OnDask, Workers

logger = logging.getLogger(__name__)

_ANSWER_S = 5  # a scheduler that takes longer, or has no worker by then, is not there
_LEAST_MEMORY = 256 << 20  # bytes; an idle worker with numpy, numba and scipy takes most of it
_PIECES = {"distributed.admin.large-graph-warning-threshold": "1TiB"}  # tasks that hold pieces of the log are large
_main_lock = threading.Lock()
_bare = 0  # clusters that run; the first hides `__main__`, the last shows it again


@contextmanager
def open_workers(config: DaskConfig) -> Iterator[Workers]:
    """Workers for the body of a `with` block; what was started for it is gone afterwards.

    Local workers, their scheduler and dashboard listen on 127.0.0.1 only, and die with this process even if it is
    killed.

    Args:
        config: A scheduler's address, or how many processes to start; none means this process.

    Raises:
        ConfigError: If the scheduler does not answer, has no workers, or the memory limit makes no sense.
        SidflowError: If a task's workers keep dying, or the scheduler disappears.
    """
    if config.scheduler is None and config.workers == 0:
        yield InProcess()
        return
    import dask
    from distributed import KilledWorker

    opened = _local_workers(config) if config.scheduler is None else _remote_workers(config.scheduler)
    try:
        with _quiet_dask(), dask.config.set(_PIECES), opened as workers:
            yield workers
    except KilledWorker as error:
        memory = (
            f"Raise pairs.dask.memory_limit (now {config.memory_limit} a worker)"
            if config.scheduler is None
            else "Start workers with more memory (`dask worker --memory-limit`)"
        )
        raise SidflowError(
            f"pairs: {error.task} was given up after {error.allowed_failures + 1} workers died of it, most likely for "
            f"want of memory. {memory}, or raise pairs.partitions."
        ) from error
    except CancelledError as error:
        raise SidflowError(
            "pairs: the Dask scheduler went away while it was counting. Start it and run again."
        ) from error


@contextmanager
def _local_workers(config: DaskConfig) -> Iterator[Workers]:
    from distributed import Client, LocalCluster

    memory = _memory_bytes(config.memory_limit)
    with tempfile.TemporaryDirectory(prefix="sidflow-pairs-") as name, _bare_main():
        cluster = LocalCluster(
            n_workers=config.workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            memory_limit=memory,
            local_directory=name,
            silence_logs=logging.CRITICAL,
        )
        try:
            with Client(cluster, set_as_default=False) as client:
                logger.info("pairs: %d Dask workers, dashboard %s", config.workers, client.dashboard_link)
                yield OnDask(client, Path(name))
        finally:
            try:
                cluster.close()
            except (TimeoutError, AssertionError):  # a worker that was just being replaced; must not hide what ended us
                logger.warning("pairs: the Dask cluster did not stop in time; its processes end with this one.")


@contextmanager
def _remote_workers(address: str) -> Iterator[Workers]:
    from distributed import Client

    try:
        with ThreadPoolExecutor(1) as apart:  # this thread may have an event loop of its own
            apart.submit(asyncio.run, _ask(address)).result()
        client = Client(address, timeout=_ANSWER_S, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:  # the last for TLS without certificates
        raise ConfigError(
            f"pairs.dask.scheduler: no Dask scheduler answers at {address!r} ({error or 'nothing was said'}; "
            f"{_ANSWER_S} s are allowed). Start one with `dask scheduler`, or set it to null for local workers."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_ANSWER_S)
        except TimeoutError as error:
            raise ConfigError(
                f"pairs.dask.scheduler: the scheduler at {address!r} has no workers. "
                f"Start some with `dask worker {address}`."
            ) from error
        yield OnDask(client, None)


async def _ask(address: str) -> None:
    """Meet the scheduler: a client's own timeout does not end the wait for one that accepts and stays silent."""
    from distributed.comm import connect

    async def meet() -> None:
        comm = await connect(address, timeout=_ANSWER_S)
        await comm.write({"op": "identity", "reply": True})
        await comm.read()
        comm.abort()

    await asyncio.wait_for(meet(), _ANSWER_S)


def _memory_bytes(limit: str) -> int:
    from dask.utils import parse_bytes

    try:
        size = int(parse_bytes(limit))
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"pairs.dask.memory_limit: {limit!r} is not a size; write it as '4GiB'.") from error
    if size < _LEAST_MEMORY:
        raise ConfigError(f"pairs.dask.memory_limit: {limit!r} is too small; a worker needs 256MiB before it counts.")
    return size


class _BareMain(types.ModuleType):
    """Stands in for `__main__` with all that is in it, but says nothing of where that came from."""

    def __init__(self, main: types.ModuleType):
        super().__init__("__main__")
        self.__dict__["original"] = main

    def __getattr__(self, name: str) -> Any:
        if name == "__file__":
            raise AttributeError(name)
        return getattr(self.__dict__["original"], name)


@contextmanager
def _bare_main() -> Iterator[None]:
    """Keep processes that are spawned meanwhile, a dead worker's replacement too, from importing `__main__`.

    multiprocessing re-imports the parent's main module in each of them: seconds of orchestrator per worker, and a
    crash where it is a notebook, standard input or a script without a `__main__` guard.
    """
    global _bare
    with _main_lock:
        if _bare == 0:
            sys.modules["__main__"] = _BareMain(sys.modules["__main__"])
        _bare += 1
    try:
        yield
    finally:
        with _main_lock:
            _bare -= 1
            if _bare == 0:
                sys.modules["__main__"] = sys.modules["__main__"].__dict__["original"]


@contextmanager
def _quiet_dask() -> Iterator[None]:
    """Drop Dask's chatter here, also where the root logger prints everything; its failures reach us as exceptions."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]  # only these have handlers
    before = [(each, each.handlers, each.propagate) for each in loggers]
    try:
        for each in loggers:
            each.handlers, each.propagate = [logging.NullHandler()], False
        yield
    finally:
        for each, handlers, propagate in before:
            each.handlers, each.propagate = handlers, propagate
