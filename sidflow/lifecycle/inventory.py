"""What lies in a store: every attempt with its files, complete or not."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sidflow.artifacts import Artifact, Manifest, Store
from sidflow.artifacts.storage import FileFacts
from sidflow.errors import MissingArtifact


@dataclass(frozen=True)
class Stored:
    """One attempt as it lies in the store.

    Attributes:
        folder: Its path below the root.
        manifest: None if it was never completed, or was collected in part.
        published: Whether it is the one that counts.
        files: All its files by path, the mark of use among them.
    """

    folder: str
    manifest: Manifest | None
    published: bool
    files: dict[str, FileFacts]

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.folder.split("/")[1]

    @property
    def used(self) -> datetime:
        """When something was last written here: a part, the manifest, a verdict, or a mark of use."""
        return max(each.modified for each in self.files.values())

    @property
    def state(self) -> str:
        """published, candidate, refused or unfinished."""
        if self.manifest is None:
            return "unfinished"
        return "published" if self.published else "refused" if self.manifest.refused else "candidate"

    def __str__(self) -> str:
        _, kind, fingerprint, _, attempt = self.folder.split("/")
        return f"{kind}/{fingerprint[:12]}/{attempt[:8]}"


def take_inventory(store: Store) -> dict[str, Stored]:
    """Every attempt that has a file, by folder."""
    files: dict[str, dict[str, FileFacts]] = defaultdict(dict)
    pointers = {}
    for path, facts in store.storage.files("artifacts").items():
        names = path.split("/")
        if len(names) > 5 and names[3] == "attempts":
            files["/".join(names[:5])][path] = facts
        elif names[-1] == "published.json":
            pointers["/".join(names[:3])] = _attempt(store, path)
    return {folder: _stored(store, folder, each, pointers) for folder, each in sorted(files.items())}


def cache_sizes(store: Store) -> dict[str, int]:
    """Bytes below `<root>/cache`, by accelerator."""
    sizes: dict[str, int] = defaultdict(int)
    for path, facts in store.storage.files("cache").items():
        sizes[path.split("/")[1]] += facts.bytes
    return dict(sizes)


def unique_bytes(files: Iterator[tuple[str, FileFacts]], without: frozenset[int] = frozenset()) -> int:
    """Bytes of files, content that several names share counted once, and that of the inodes `without` not at all."""
    seen, total = set(without), 0
    for _, facts in files:
        if facts.inode is None:
            total += facts.bytes
        elif facts.inode not in seen:
            seen.add(facts.inode)
            total += facts.bytes
    return total


def _attempt(store: Store, pointer: str) -> str | None:
    content = store.storage.read(pointer)
    return None if content is None else str(json.loads(content)["attempt"])


def _stored(store: Store, folder: str, files: dict[str, FileFacts], pointers: dict[str, str | None]) -> Stored:
    recipe, _, attempt = folder.rpartition("/attempts/")
    manifest = None
    if f"{folder}/manifest.json" in files:
        _, kind, fingerprint = recipe.split("/")
        with suppress(MissingArtifact):  # another collection was quicker
            manifest = store.manifest(Artifact(kind=kind, fingerprint=fingerprint, path=f"{folder}/data"))
    return Stored(folder, manifest, pointers.get(recipe) == attempt, files)
