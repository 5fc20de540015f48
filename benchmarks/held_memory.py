"""What a process holds in memory while it does something, mapped files aside (Linux)."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def peak(found: dict[str, int], name: str) -> Iterator[None]:
    """Note under `name` by how many MiB held memory rose at most."""
    before, most, done = held_mib(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], held_mib())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        found[name] = max(0, round(max(most[0], held_mib()) - before))


def held_mib() -> float:
    """Resident memory of this process without mapped files, MiB (Linux)."""
    resident, shared = (int(each) for each in Path("/proc/self/statm").read_text().split()[1:3])
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE") / 2**20
