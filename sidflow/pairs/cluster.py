"""The Dask cluster that pair statistics run on: local worker processes, or one that is already there."""

import logging
import sys
import tempfile
import threading
import types
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from pathlib import Path

from sidflow.config.learning import DaskConfig
from sidflow.errors import ConfigError, SidflowError
from sidflow.pairs.workers import InProcess, OnDask, Workers

logger = logging.getLogger(__name__)

_ANSWER_S = 5  # a scheduler that takes longer, or has no worker by then, is not there
_LEAST_MEMORY = 256 << 20  # bytes; an idle worker with numpy, numba and scipy takes most of it
_main_lock = threading.Lock()


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
    from distributed import KilledWorker

    opened = _local_workers(config) if config.scheduler is None else _remote_workers(config.scheduler)
    try:
        with _quiet_dask(), opened as workers:
            yield workers
    except KilledWorker as error:
        raise SidflowError(
            f"pairs: {error.task} was given up after {error.allowed_failures + 1} workers died of it, most likely for "
            f"want of memory. Raise pairs.dask.memory_limit (now {config.memory_limit} a worker) or pairs.partitions."
        ) from error
    except CancelledError as error:
        raise SidflowError(
            "pairs: the Dask scheduler went away while it was counting. Start it and run again."
        ) from error


@contextmanager
def _local_workers(config: DaskConfig) -> Iterator[Workers]:
    from distributed import Client, LocalCluster

    memory = _memory_bytes(config.memory_limit)
    with tempfile.TemporaryDirectory(prefix="sidflow-pairs-") as name:
        with _bare_main():
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
            except TimeoutError:  # must not hide what ended the block
                logger.warning("pairs: the Dask cluster did not stop in time; its processes end with this one.")


@contextmanager
def _remote_workers(address: str) -> Iterator[Workers]:
    from distributed import Client

    try:
        client = Client(address, timeout=_ANSWER_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"pairs.dask.scheduler: no Dask scheduler answers at {address!r} within {_ANSWER_S} s ({error}). "
            "Start one with `dask scheduler`, or set it to null for local worker processes."
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


def _memory_bytes(limit: str) -> int:
    from dask.utils import parse_bytes

    try:
        size = int(parse_bytes(limit))
    except ValueError as error:
        raise ConfigError(f"pairs.dask.memory_limit: {limit!r} is not a size; write it as '4GiB'.") from error
    if size < _LEAST_MEMORY:
        raise ConfigError(f"pairs.dask.memory_limit: {limit!r} is too small; a worker needs 256MiB before it counts.")
    return size


@contextmanager
def _bare_main() -> Iterator[None]:
    """Hide `__main__` from processes spawned meanwhile.

    multiprocessing re-imports the parent's main module in each of them: seconds of orchestrator per worker, and a
    crash where it is a notebook, standard input or a script without a `__main__` guard.
    """
    with _main_lock:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


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
