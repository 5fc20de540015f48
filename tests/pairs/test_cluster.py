"""Starting, finding and leaving Dask clusters: real processes, real sockets."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

import sidflow
from sidflow.config.learning import DaskConfig, PairsConfig
from sidflow.errors import ConfigError, SidflowError
from sidflow.pairs.cluster import open_workers
from sidflow.pairs.log import Log
from sidflow.pairs.mine import count_log, mine_pairs
from sidflow.pairs.workers import InProcess, OnDask
from tests.factories import make_histories
from tests.pairs.test_mine import rows_of


def children() -> list[psutil.Process]:
    """Worker processes of this one."""
    processes = psutil.Process().children(recursive=True)
    return [each for each in processes if "spawn_main" in " ".join(each.cmdline())]


def test_no_workers_means_this_process():
    """Nothing is started."""
    with open_workers(DaskConfig(workers=0)) as workers:
        assert isinstance(workers, InProcess)


def test_dask_gives_the_same_rows_as_this_process():
    """Two workers, seven partitions; in a thread, as orchestrators run it; nobody is left behind."""
    histories = make_histories(users=300, items=60)
    expected, expected_facts = mine_pairs(histories, PairsConfig(topup_p=0.2, dask=DaskConfig(workers=0)))
    assert len(expected) > 10
    config = PairsConfig(topup_p=0.2, partitions=7, dask=DaskConfig(workers=2))
    found = []
    thread = threading.Thread(target=lambda: found.append(mine_pairs(histories, config)))
    thread.start()
    thread.join()
    pairs, facts = found[0]
    assert rows_of(pairs) == rows_of(expected) and facts == expected_facts
    assert children() == []


def test_an_outside_scheduler_and_what_listens():
    """A cluster found by its address gives the same rows and is left running; every socket is on loopback."""
    with open_workers(DaskConfig(workers=1)) as workers:
        address = workers._client.scheduler.address  # type: ignore[attr-defined]
        listening = [
            connection.laddr.ip
            for process in [psutil.Process(), *children()]
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert len(listening) >= 3 and set(listening) == {"127.0.0.1"}
        histories = make_histories(users=100, items=40)
        outside, _ = mine_pairs(histories, PairsConfig(topup_p=0.2, dask=DaskConfig(scheduler=address)))
        here, _ = mine_pairs(histories, PairsConfig(topup_p=0.2, dask=DaskConfig(workers=0)))
        assert rows_of(outside) == rows_of(here) and len(here) > 0
        assert workers.fetch(workers.map(abs, [(-1,)])) == [1]


@pytest.mark.parametrize("during", ["fetch", "map"])
def test_a_scheduler_that_goes_away_is_an_error(during: str):
    """In either round, and without waiting."""
    with open_workers(DaskConfig(workers=1)) as host:
        client = host._client  # type: ignore[attr-defined]
        started = time.monotonic()
        with (
            pytest.raises(SidflowError, match="the Dask scheduler went away while it was counting"),
            open_workers(DaskConfig(scheduler=client.scheduler.address)) as workers,
        ):
            results = workers.map(abs, [(-1,)])
            if during == "map":
                threading.Timer(0.5, client.cluster.close).start()
                workers.map(time.sleep, [(30,)])
            client.cluster.close()
            workers.fetch(results)
        assert time.monotonic() - started < 15


def test_dask_stays_quiet_under_a_talkative_root_logger(caplog: pytest.LogCaptureFixture):
    """Orchestrators let Dask's loggers propagate; afterwards everything is as it was."""
    dask = logging.getLogger("distributed")
    dask.propagate, before = True, (True, dask.handlers, dask.level)
    with caplog.at_level(logging.INFO), open_workers(DaskConfig(workers=1)):
        dask.warning("not for the user")
    assert [record.message for record in caplog.records if record.name.startswith("distributed")] == []
    assert [record.message[:23] for record in caplog.records] == ["pairs: 1 Dask workers, "]
    assert (dask.propagate, dask.handlers, dask.level) == before


def test_a_missing_scheduler_is_an_error_in_seconds(monkeypatch: pytest.MonkeyPatch):
    """Nothing listens on the port."""
    monkeypatch.setattr("sidflow.pairs.cluster._ANSWER_S", 1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    started = time.monotonic()
    with pytest.raises(ConfigError, match=f"no Dask scheduler answers at '{address}' "):
        mine_pairs(make_histories(), PairsConfig(dask=DaskConfig(scheduler=address)))
    assert time.monotonic() - started < 5


def test_a_listener_that_says_nothing_is_an_error_in_seconds(monkeypatch: pytest.MonkeyPatch):
    """A port that accepts, and stays silent."""
    monkeypatch.setattr("sidflow.pairs.cluster._ANSWER_S", 1)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        started = time.monotonic()
        with (
            pytest.raises(ConfigError, match=f"no Dask scheduler answers at '{address}'"),
            open_workers(DaskConfig(scheduler=address)),
        ):
            pass
    assert time.monotonic() - started < 10


def small_log() -> Log:
    """20,000 users of ten items each, which many partitions count for seconds."""
    items = np.random.default_rng(0).integers(0, 2_000, 200_000).astype(np.int32)
    return Log(np.arange(20_001) * 10, items, 5)


def killing(victim: Callable[[], int]) -> Callable[[int, int], None]:
    """Progress that sends SIGKILL once, after the second partition."""
    return lambda done, _: os.kill(victim(), signal.SIGKILL) if done == 2 else None


@pytest.mark.slow
@pytest.mark.parametrize("way", ["files", "network"])
def test_a_worker_killed_while_it_counts_changes_nothing(way: str):
    """The only worker dies after two of forty partitions, with what it had counted and, over the network, the log."""
    log, config = small_log(), PairsConfig(partitions=40)
    _, expected = count_log(InProcess(), log, 2_000, config, 2)
    with open_workers(DaskConfig(workers=1)) as host:
        client = host._client  # type: ignore[attr-defined]
        workers = host if way == "files" else OnDask(client, None)
        (pid,) = client.run(os.getpid).values()
        counted, found = count_log(workers, log, 2_000, config, 2, killing(lambda: pid))
        assert pid not in client.run(os.getpid).values()
        assert sum(len(part.a) for part in workers.fetch(counted)) == expected.candidates
    assert found.margins.tolist() == expected.margins.tolist() and found[1:] == expected[1:]


@pytest.mark.slow
def test_no_worker_left_is_an_error(monkeypatch: pytest.MonkeyPatch):
    """Killed, and nobody replaces it: what to start, instead of a wait without end."""
    monkeypatch.setattr("sidflow.pairs.workers._ALONE_S", 1)
    with open_workers(DaskConfig(workers=1)) as host:
        address = host._client.scheduler.address  # type: ignore[attr-defined]
        with (
            pytest.raises(SidflowError, match=f"no worker for 1 s. Start some with `dask worker {address}`"),
            open_workers(DaskConfig(scheduler=address)) as workers,
        ):
            host._client.cluster.scale(0)  # type: ignore[attr-defined]
            workers.map(abs, [(-1,)])


@pytest.mark.parametrize("address", ["nonsense://x", "tcp://127.0.0.1:notaport", "tls://127.0.0.1:1"])
def test_a_malformed_scheduler_address_is_an_error(address: str):
    """The address itself is quoted."""
    with (
        pytest.raises(ConfigError, match=f"no Dask scheduler answers at '{address}'"),
        open_workers(DaskConfig(scheduler=address)),
    ):
        pass


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("1e400GB", "'1e400GB' is not a size"),
        ("much", "'much' is not a size; write it as '4GiB'"),
        ("10MiB", "'10MiB' is too small; a worker needs 256MiB"),
    ],
)
def test_a_memory_limit_without_sense_is_an_error(limit: str, message: str):
    """Before anything is started."""
    with pytest.raises(ConfigError, match=message), open_workers(DaskConfig(memory_limit=limit)):
        pass


def test_a_task_that_kills_its_workers_is_given_up():
    """The message says what to raise; the cluster is gone afterwards, a worker in place of a dead one in a while."""
    with (
        pytest.raises(SidflowError, match=r"given up after \d+ workers died of it.*pairs.dask.memory_limit"),
        open_workers(DaskConfig(workers=1)) as workers,
    ):
        workers.map(os._exit, [(1,)])
    _, alive = psutil.wait_procs(children(), timeout=60)
    assert alive == []


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(sidflow.__file__).parents[1])}
REPLACED = """
import os, signal
from sidflow.config.learning import DaskConfig
from sidflow.pairs.cluster import open_workers
print("once", flush=True)
with open_workers(DaskConfig(workers=1)) as workers:
    first = workers.map(abs, [(-3,)])
    os.kill(workers.fetch(workers.map(os.getpid, [()]))[0], signal.SIGKILL)
    print(workers.fetch(workers.map(pow, [(first[0], 2)]))[0], flush=True)
"""
SCRIPT = """
import os, sys, time
from sidflow.config.learning import DaskConfig
from sidflow.pairs.cluster import open_workers
with open_workers(DaskConfig(workers=1)) as workers:
    print(workers.fetch(workers.map(os.getpid, [()]))[0], flush=True)
    if len(sys.argv) > 1:
        workers.map(time.sleep, [(60,)])
"""


def gone(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    deadline = time.monotonic() + 10
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not psutil.pid_exists(pid)


def test_workers_die_with_a_killed_parent(tmp_path: Path):
    """SIGKILL leaves no time to say goodbye; also, a script without a `__main__` guard works."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), "stay"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes, env=ENVIRONMENT, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert psutil.pid_exists(worker)
        parent.send_signal(signal.SIGKILL)
    assert gone(worker)


def test_a_program_on_standard_input_ends_cleanly():
    """No main module to import, no warnings, nothing on standard error, no process left."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-"]
    run = subprocess.run(command, input=SCRIPT, capture_output=True, text=True, timeout=60, env=ENVIRONMENT)
    assert (run.returncode, run.stderr) == (0, "")
    assert gone(int(run.stdout))


@pytest.mark.slow
def test_a_replaced_worker_does_not_run_the_program_again(tmp_path: Path):
    """Neither a script without a `__main__` guard nor a program on standard input."""
    script = tmp_path / "script.py"
    script.write_text(REPLACED)
    for command, given in (([str(script)], None), (["-"], REPLACED)):
        run = subprocess.run(
            [sys.executable, *command], input=given, capture_output=True, text=True, timeout=60, env=ENVIRONMENT
        )
        assert (run.returncode, run.stdout.split()) == (0, ["once", "9"]), run.stderr


def test_main_is_whole_again_after_the_last_cluster():
    """Meanwhile it has all that it had, but its file."""
    main = sys.modules["__main__"]
    with open_workers(DaskConfig(workers=1)):
        hidden = sys.modules["__main__"]
        assert hidden is not main and not hasattr(hidden, "__file__") and hidden.__spec__ is None
        assert set(vars(main)) - {"__file__"} <= {name for name in vars(main) if hasattr(hidden, name)}
    assert sys.modules["__main__"] is main
