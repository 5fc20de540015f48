"""Tasks in this process and on real Dask worker processes."""

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from sidflow.config.learning import DaskConfig
from sidflow.pairs.cluster import open_workers
from sidflow.pairs.workers import InProcess, OnDask, Workers


@pytest.fixture(scope="module")
def local() -> Iterator[Workers]:
    """Two local worker processes."""
    with open_workers(DaskConfig(workers=2)) as workers:
        yield workers


@pytest.fixture(params=["in process", "files", "network"])
def workers(request: pytest.FixtureRequest, local: OnDask) -> Workers:
    """Each way to reach a task."""
    ways = {"in process": InProcess(), "files": local, "network": OnDask(local._client, None)}
    return ways[request.param]


def test_results_come_in_the_order_of_calls(workers: Workers):
    """Whoever finishes first."""
    results = workers.map(divmod, [(number, 3) for number in range(7)])
    assert workers.fetch(results) == [divmod(number, 3) for number in range(7)]


def test_shared_arrays_arrive_whole(workers: Workers, monkeypatch: pytest.MonkeyPatch):
    """Also in several pieces, and empty."""
    monkeypatch.setattr("sidflow.pairs.workers._PIECE", 4)
    long, empty = np.arange(10, dtype=np.int32), np.array([], np.int64)
    shared = [workers.share(long), workers.share(empty)]
    found, nothing = workers.fetch(workers.map(np.copy, [(each,) for each in shared]))
    assert found.tolist() == long.tolist() and found.dtype == np.int32
    assert len(nothing) == 0 and nothing.dtype == np.int64


def test_results_are_arguments_of_the_next_round(workers: Workers):
    """Without coming back in between."""
    first = workers.map(abs, [(-3,), (4,)])
    assert workers.fetch(workers.map(pow, [(each, 2) for each in first])) == [9, 16]


def test_progress(workers: Workers):
    """One call per finished task."""
    calls: list[tuple[int, int]] = []
    workers.map(abs, [(1,), (2,), (3,)], lambda *call: calls.append(call))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_a_failing_task_raises_its_own_error(workers: Workers):
    """The type and the message survive the way back."""
    with pytest.raises(ZeroDivisionError, match=r"division|modulo"):
        workers.map(divmod, [(1, 1), (1, 0)])


def test_a_killed_worker_is_replaced(local: OnDask):
    """SIGKILL for one worker between two rounds: its results are computed again."""
    first = local.map(abs, [(-number,) for number in range(6)])
    os.kill(local.fetch(local.map(os.getpid, [()]))[0], signal.SIGKILL)
    assert local.fetch(local.map(pow, [(each, 2) for each in first])) == [0, 1, 4, 9, 16, 25]


@pytest.mark.slow
def test_results_beyond_the_memory_limit_spill_to_disk():
    """One worker of 512 MiB holds ten results of 64 MB until the second round has read them."""
    with open_workers(DaskConfig(workers=1, memory_limit="512MiB")) as workers:
        made = workers.map(np.ones, [(8_000_000,)] * 10)
        sums = workers.fetch(workers.map(np.sum, [(each,) for each in made]))
    assert sums == [8_000_000.0] * 10
