"""Making a release's report and putting it where it is found."""

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from sidflow.artifacts import Store
from sidflow.artifacts.storage import Storage
from sidflow.errors import ArtifactError, ConfigError
from sidflow.release import Release, report_path
from sidflow.report.build import Report, build_report
from sidflow.report.page import render

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Written:
    """A report that was written.

    Attributes:
        report: What it shows.
        place: Absolute path or URL of the page.
        bytes: Its size.
        seconds: What it took to make.
    """

    report: Report
    place: str
    bytes: int
    seconds: float


def write_report(store: Store, release: Release, out: str | None = None) -> Written:
    """Write the page of a release, whole, over an older one if there is one.

    Args:
        store: Where the release is.
        release: Of which.
        out: Local file or fsspec URL; None puts it into the store as `reports/<release>.html`.

    Raises:
        ConfigError: If `out` is a folder or cannot be written.
        ArtifactError: If the store cannot be written.
    """
    if out is not None:
        _check_replaceable(out, release)
    began = time.perf_counter()
    report = build_report(store, release)
    content = render(report).encode()
    storage, path = (store.storage, report_path(release.id)) if out is None else _outside(out)
    try:
        storage.write(path, content)
    except (ArtifactError, OSError) as error:
        if out is None:
            raise
        raise ConfigError(f"--out {out}: cannot be written: {error.__cause__ or error}. Give another file.") from error
    took = time.perf_counter() - began
    written = Written(report, storage.url(path), len(content), took)
    logger.info("report of release %s: %s, %.1f MB in %.1f s", release.id, written.place, len(content) / 1e6, took)
    return written


def _check_replaceable(out: str, release: Release) -> None:
    """A mistyped name costs no one's data."""
    place = Path(out)
    if place.is_dir():
        raise ConfigError(f"--out {out}: is a folder; allowed is a file, such as {place / release.id}.html.")
    if not place.is_file():
        return
    with place.open("rb") as file:
        if (head := file.read(64)) and not head.lstrip().lower().startswith(b"<!doctype html"):
            raise ConfigError(f"--out {out}: is a file that is no report; allowed is a new one or an older report.")


def _outside(out: str) -> tuple[Storage, str]:
    """A storage for the folder of a file, and the file's name in it."""
    folder, _, name = (out if "://" in out else str(Path(out).absolute())).rpartition("/")
    return Storage(folder or "/"), name
