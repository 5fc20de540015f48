"""The release that a report is about, and what the store knows of it, read when it is asked for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sidflow.artifacts import Facts, Manifest, Store
from sidflow.artifacts.kinds import KINDS
from sidflow.catalogue.read import read_catalogue_table
from sidflow.decoder.baselines import popularity
from sidflow.errors import ArtifactError, MissingArtifact
from sidflow.histories.table import Histories, read_histories
from sidflow.release import LogEntry, Release, current_release, find_release, log_entries, read_release
from sidflow.semantic_ids.table import SidTable, read_semantic_ids
from sidflow.semantic_ids.topic_table import read_topics
from sidflow.semantic_ids.topics import Prefix


@dataclass(frozen=True)
class Subject:
    """A release in its store."""

    store: Store
    release: Release

    @cached_property
    def manifests(self) -> dict[str, Manifest]:
        """Manifest by kind, in flow order, the release's own last; kinds that the store no longer holds are absent."""
        pinned = (
            {**self.release.artifacts, "release": self.entries[0].artifact} if self.entries else self.release.artifacts
        )
        return {kind: found for kind in KINDS if kind in pinned and (found := self._manifest(pinned[kind]))}

    def facts(self, kind: str) -> Facts:
        """A stage's numbers.

        Raises:
            MissingArtifact: If the store does not hold it.
        """
        return self.store.manifest(self.release.artifact(kind)).metrics

    def files(self, kind: str) -> dict[str, Path]:
        """A stage's files, verified."""
        return self.store.files(self.release.artifact(kind))

    @cached_property
    def entries(self) -> list[LogEntry]:
        """The lines of the release log about this release, oldest first."""
        return [each for each in log_entries(self.store) if each.release == self.release.id]

    @cached_property
    def state(self) -> str:
        """current, withdrawn, historical or superseded."""
        live = current_release(self.store)
        if live is not None and live.id == self.release.id:
            return "current"
        last = self.entries[-1].action if self.entries else "unknown"
        return {"withdraw": "withdrawn", "historical": "historical", "unknown": "not in the log"}.get(
            last, "superseded"
        )

    @cached_property
    def previous(self) -> "Subject | None":
        """The release before.

        Raises:
            MissingArtifact: If there was one and the store no longer holds it.
        """
        name = self.release.previous
        return None if name is None else Subject(self.store, find_release(self.store, name))

    @cached_property
    def first_pinned(self) -> dict[str, str]:
        """Which release was the first to pin an artifact, by the artifact's path."""
        found: dict[str, str] = {}
        for release in self._releases():
            for artifact in release.artifacts.values():
                found.setdefault(artifact.path, release.id)
        return found

    @cached_property
    def sids(self) -> SidTable:
        """The SID table."""
        return read_semantic_ids(self.files("semantic_ids"))

    @cached_property
    def histories(self) -> Histories:
        """The users' histories."""
        return read_histories(self.files("histories"))

    @cached_property
    def training_events(self) -> np.ndarray:
        """Training events by item, (N,)."""
        return popularity(self.histories)

    @cached_property
    def titles(self) -> list[str]:
        """Title by item of the SID table; the id where the catalogue has none."""
        catalogue = read_catalogue_table(self.files("catalogue"))
        rows = pc.index_in(self.sids.item_ids, value_set=catalogue["item_id"].combine_chunks())
        titles = pc.fill_null(catalogue["title"].take(rows), "").to_pylist()
        return [title.strip() or str(item) for title, item in zip(titles, self.sids.item_ids.to_pylist(), strict=True)]

    def topic(self, item: int, level: int = 0) -> str:
        """Name of an item's prefix of `level` + 1 codes; empty where no names were made."""
        return self.sids.topics[item][level] if self.sids.topics else ""

    @cached_property
    def typical_titles(self) -> dict[Prefix, tuple[str, ...]]:
        """Typical titles by named prefix; none in a release that kept none."""
        return read_topics(self.files("semantic_ids")).titles

    def beside(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Rows of a JSON list or JSON Lines file beside a stage's data; none if the release has no such file."""
        files = self.files(kind)
        if f"beside/{name}" not in files:
            return []
        text = files[f"beside/{name}"].read_text()
        rows: list[dict[str, Any]] = (
            json.loads(text) if name.endswith(".json") else [json.loads(line) for line in text.splitlines() if line]
        )
        return rows

    def _manifest(self, artifact: Any) -> Manifest | None:
        try:
            return self.store.manifest(artifact)
        except MissingArtifact:
            return None

    def _releases(self) -> Iterator[Release]:
        for entry in log_entries(self.store):
            try:
                yield read_release(self.store, entry.artifact)
            except ArtifactError:  # collected since
                continue


def index_of(item_ids: pa.Array, wanted: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """Row of each wanted id, -1 where there is none, (n,) int64."""
    rows = pc.fill_null(pc.index_in(wanted, value_set=item_ids), -1)
    return np.asarray(rows.to_numpy(zero_copy_only=False) if isinstance(rows, pa.Array) else rows.to_numpy(), np.int64)
