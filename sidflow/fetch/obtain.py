"""A published file on this disk: downloaded from the first mirror that has it, or found where the user put it."""

import gzip
import hashlib
import logging
import urllib.parse
import urllib.request
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from sidflow.errors import DataContractError, NotObtained
from sidflow.fetch.transfer import PATIENT, OnProgress, Patience, discard, held_beside, transfer

_LOG = logging.getLogger(__name__)
_BLOCK: Final = 1 << 20


class PublishedFile(NamedTuple):
    """A file as its publisher offers it.

    Attributes:
        name: Its name there, and here.
        urls: Where it lies, tried in order.
        md5: Hex digest that the publisher states, if any. Without one, a .gz is held to its own checksum.
    """

    name: str
    urls: tuple[str, ...]
    md5: str | None = None


class Obtained(NamedTuple):
    """A whole file here.

    Attributes:
        path: Of the file.
        url: Where it came from.
        mine: Whether it was downloaded, and so may be removed.
    """

    path: Path
    url: str
    mine: bool


def obtain(
    file: PublishedFile,
    folder: Path,
    source: str | None = None,
    on_progress: OnProgress | None = None,
    patience: Patience = PATIENT,
) -> Obtained:
    """A published file from its publisher, or from where the user says that it is.

    Args:
        file: What.
        folder: For downloads.
        source: An http(s) address above the file or its own, a folder of this disk, or the file itself.
        on_progress: Called with bytes held and in total (0: not known).
        patience: How long to wait for hosts.

    Raises:
        NotObtained: If no mirror gives it, or it is not the published file.
        DataContractError: If it is not where the user says, or it cannot be written.
    """
    if source is not None and not source.startswith(("http://", "https://")):
        return find(file, source)
    if source is not None:
        own = source if source.endswith(f"/{file.name}") else f"{source.rstrip('/')}/{file.name}"
        file = file._replace(urls=(own,))
    return download(file, folder, on_progress, patience)


def download(
    file: PublishedFile, folder: Path, on_progress: OnProgress | None = None, patience: Patience = PATIENT
) -> Obtained:
    """Have `folder/<name>` hold a published file, whole and checked; nothing is asked for if it does.

    It arrives as `<name>.part`, which an interruption leaves for the next run to go on from.

    Args:
        file: What, and where it may be had.
        folder: Made if it is not there.
        on_progress: Called with bytes held and in total (0: not known).
        patience: Timeout and pauses.

    Raises:
        NotObtained: If no mirror gives it; what each said is in the message.
        DataContractError: If it cannot be written.
    """
    folder.mkdir(exist_ok=True)
    target, part = folder / file.name, folder / f"{file.name}.part"
    begun = held_beside(part).url
    if target.exists():
        return Obtained(target, begun or target.absolute().as_uri(), mine=True)
    failures: list[str] = []
    for url in sorted(file.urls, key=lambda url: url != begun):  # another mirror would start over
        if failures:
            _LOG.info("%s; asking %s", failures[-1], url)
        try:
            transfer(url, part, on_progress, patience)
            check(file, part, url)
        except NotObtained as error:
            failures.append(str(error))
            continue
        part.replace(target)
        return Obtained(target, url, mine=True)
    raise NotObtained("; ".join(failures))


def find(file: PublishedFile, source: str) -> Obtained:
    """A published file that the user has: in a folder, or the file itself.

    Raises:
        DataContractError: If it is not there, or is not the published one.
    """
    parts = urllib.parse.urlsplit(source)
    path = Path(urllib.request.url2pathname(parts.path) if parts.scheme == "file" else source).expanduser()
    if path.is_dir():
        path = path / file.name
    if not path.is_file() or path.name != file.name:
        raise DataContractError(
            f"--from {source}: no {file.name} there. Allowed are a folder that holds it, the file itself, and an http "
            f"or https address of either; it is published at {file.urls[0]}."
        )
    check(file, path, str(path))
    return Obtained(path, path.absolute().as_uri(), mine=False)


def check(file: PublishedFile, path: Path, origin: str) -> None:
    """Hold a file to the publisher's MD5, or a .gz to its own CRC and length; a `.part` that fails is removed.

    Raises:
        NotObtained: If it is not the published file.
    """
    problem = _differs(path, file.md5) if file.md5 else _unsound(path)
    if problem:
        size = path.stat().st_size
        if path.suffix == ".part":
            discard(path)
        raise NotObtained(f"{origin}: {size:,} bytes {problem}")


def digest(path: Path, name: str = "sha256") -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(name, usedforsecurity=False)).hexdigest()


def _differs(path: Path, md5: str) -> str | None:
    found = digest(path, "md5")
    return None if found == md5 else f"with md5 {found}; allowed is {md5}"


def _unsound(path: Path) -> str | None:
    try:
        with gzip.open(path) as file:
            if not file.read(1):
                return "that hold nothing"
            while file.read(_BLOCK):
                pass
    except (OSError, EOFError, zlib.error) as error:
        return f"that are not a whole gzip file ({error})"
    return None
