"""Withdrawal without a retrain: what a release may recommend, as the item files say at this moment."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sidflow.artifacts import Store
from sidflow.catalogue.availability import mask_items, read_availability, read_flags
from sidflow.config import CatalogueConfig
from sidflow.errors import SidflowError
from sidflow.release import Release
from sidflow.sources import list_sources

_LOG = logging.getLogger(__name__)


def live_availability(
    store: Store, release: Release, catalogue: CatalogueConfig, item_ids: pa.Array
) -> npt.NDArray[np.bool_]:
    """Which of a release's items may be recommended now.

    A process that serves for long asks again when it likes, and goes on with `Recommender.with_availability`.

    Args:
        store: Where the release is.
        release: Its own availability counts where the files cannot be read, and where they have not changed since.
        catalogue: Path and column mapping of the item files.
        item_ids: `Recommender.item_ids`, (N,) string.

    Returns:
        By catalogue index, (N,) bool. What the files mark as unavailable, or lack, may not be recommended.
    """
    released = read_availability(availability_files(store, release))
    columns = catalogue.columns
    try:
        sources = list_sources(catalogue.path)
        asked = [[each.sha256 for each in sources], columns.item, columns.available]
        now = released if asked == _made_from(store, release) else read_flags(sources, columns)
    except (SidflowError, OSError) as error:
        _LOG.warning("The release's own availability counts, because the catalogue cannot be read: %s", error)
        now = released
    return mask_items(item_ids, released, now)


def availability_files(store: Store, release: Release) -> dict[str, Path]:
    """The files that `read_availability` reads; the catalogue's where the release is older than that kind."""
    return store.files(release.artifact(_kind(release)))


def _made_from(store: Store, release: Release) -> list[Any] | None:
    """Digests of the item files and the two columns behind a release's availability."""
    manifest = store.manifest(release.artifact(_kind(release)))
    if manifest.kind == "availability":
        made_from: list[Any] = manifest.metrics["made_from"]
        return made_from
    columns = manifest.identity["columns"]
    return (
        [manifest.identity["sources"], columns["item"], columns["available"]]
        if "sources" in manifest.identity
        else None
    )


def _kind(release: Release) -> str:
    return "availability" if "availability" in release.artifacts else "catalogue"
