"""One URL into one file over HTTP: resumed where it broke off, never mixed from two versions of the content."""

import http.client
import io
import json
import logging
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, cast

from sidflow.errors import DataContractError, NotObtained

_LOG = logging.getLogger(__name__)
_BLOCK: Final = 1 << 18
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})  # answers that a later request may not get
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

OnProgress = Callable[[int, int], None]


class Patience(NamedTuple):
    """How long to wait, in seconds: for a connection and for each block, and before each attempt that follows one
    that brought nothing new."""

    timeout: float = 10.0
    pauses: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)


PATIENT: Final = Patience()


class Held(NamedTuple):
    """What a partial file is part of, kept beside it: the URL, the version that the server named, the whole size."""

    url: str = ""
    etag: str = ""
    modified: str = ""
    total: int = 0

    @property
    def validator(self) -> str:
        """For If-Range: a strong ETag, else Last-Modified, else nothing (RFC 9110, section 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


class _Broken(OSError):
    """The connection ended before the content did."""


def transfer(url: str, part: Path, on_progress: OnProgress | None = None, patience: Patience = PATIENT) -> None:
    """Make `part` hold everything behind a URL, going on from the bytes that it holds already.

    What is held is kept only if the server confirms that it still serves the same version (If-Range); else the
    transfer starts over. A host that never answered is asked once, one that broke off again and again, as long as
    attempts bring something new or pauses are left.

    Args:
        url: http or https.
        part: In a folder that exists; what it is part of lies beside it (`held_beside`).
        on_progress: Called with bytes held and in total (0: not known).
        patience: Timeout and pauses.

    Raises:
        NotObtained: If the host cannot be reached, refuses, or keeps breaking off. What came is kept.
        DataContractError: If it cannot be written.
    """
    held = held_beside(part)
    if held.url == url and 0 < held.total == _size(part):
        return
    furthest, pauses, answered = _size(part), iter(patience.pauses), False
    while True:
        try:
            with _ask(url, part, patience.timeout) as answer:
                answered = True
                return _receive(answer, url, part, on_progress)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # what is held reaches beyond the content: another version
                discard(part)
            elif error.code not in _PASSING:
                raise NotObtained(f"{url}: HTTP {error.code} {error.reason}") from None
            answered, problem = True, f"HTTP {error.code} {error.reason}"
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)  # URLError wraps what happened
            problem = str(getattr(reason, "strerror", None) or reason) or type(error).__name__
        if _size(part) > furthest:
            furthest, pauses = _size(part), iter(patience.pauses)
        pause = next(pauses, None) if answered else None
        if pause is None:
            kept = f"; {_size(part):,} bytes are kept" if _size(part) else ""
            raise NotObtained(f"{url}: {problem}{kept}")
        _LOG.info("%s: %s; trying again in %g s", url, problem, pause)
        time.sleep(pause)


def held_beside(part: Path) -> Held:
    """What a partial file is part of; empty if it is not known."""
    nothing = Held()
    try:
        held = Held(**json.loads(_note(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return nothing
    return held if all(type(each) is type(same) for each, same in zip(held, nothing, strict=True)) else nothing


def discard(part: Path) -> None:
    """Remove a partial file with its note."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _ask(url: str, part: Path, timeout: float) -> http.client.HTTPResponse:
    headers = {"User-Agent": "sidflow", "Accept-Encoding": "identity"}
    held = held_beside(part)
    if held.url == url and held.validator and _size(part):
        headers |= {"Range": f"bytes={_size(part)}-", "If-Range": held.validator}
    answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)
    return cast(http.client.HTTPResponse, answer)


def _receive(answer: http.client.HTTPResponse, url: str, part: Path, on_progress: OnProgress | None) -> None:
    done, total = _extent(answer, part)
    with _written(part, url, total):
        _make_room(url, part, total - done)
        file = part.open("ab" if done else "wb", buffering=0)
    with file:
        if not done:  # only now that nothing of another version is left
            held = Held(url, answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""), total)
            with _written(part, url, total):
                _note(part).write_text(json.dumps(held._asdict()), encoding="utf-8")
        if on_progress:
            on_progress(done, total)
        while block := answer.read1(_BLOCK):
            with _written(part, url, total):
                _write(file, block)
            done += len(block)
            if on_progress:
                on_progress(done, total)
        with _written(part, url, total):
            os.fsync(file.fileno())
    if done < total:
        raise _Broken(f"broke off at {done:,} of {total:,} bytes")


def _extent(answer: http.client.HTTPResponse, part: Path) -> tuple[int, int]:
    """Where the content of an answer begins, and the size of the whole (0: not known)."""
    length = int(answer.headers.get("Content-Length") or 0)
    if answer.status != 206:
        return 0, length
    start, stated = _size(part), answer.headers.get("Content-Range", "")
    found = _RANGE.fullmatch(stated)
    if found is None or int(found[1]) != start:
        discard(part)
        raise _Broken(f"asked for the bytes from {start:,}, got {stated or 'others'}")
    return start, int(found[2]) if found[2] != "*" else length and start + length


def _write(file: io.FileIO, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) :]


@contextmanager
def _written(part: Path, url: str, total: int) -> Iterator[None]:
    """A failing disk is no failing network."""
    try:
        yield
    except OSError as error:
        whole = f" of {total:,}" if total else ""
        raise DataContractError(
            f"{part}: cannot write: {error.strerror or error}; {_size(part):,}{whole} bytes of {url} are there. Make "
            f"room or choose another --folder, then run the same command again: it goes on from what is there."
        ) from error


def _make_room(url: str, part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if needed > free:
        raise DataContractError(
            f"{part.parent}: {url} needs {needed:,} bytes more, {free:,} are free. Free space there or choose another "
            f"--folder, then run the same command again."
        )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")
