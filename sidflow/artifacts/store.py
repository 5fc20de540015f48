"""Finding, reading, recording and publishing artifacts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from platformdirs import user_cache_path

from sidflow.artifacts.attempt import Attempt
from sidflow.artifacts.fingerprint import file_digest
from sidflow.artifacts.manifest import Artifact, Manifest, Part
from sidflow.artifacts.storage import Storage
from sidflow.errors import CorruptArtifact, MissingArtifact


@dataclass(frozen=True)
class Store:
    """All artifacts below one root.

        <root>/artifacts/<kind>/<fingerprint>/published.json             which attempt counts; created exclusively
        <root>/artifacts/<kind>/<fingerprint>/attempts/<id>/data/        the data: a folder that reads as one table
        <root>/artifacts/<kind>/<fingerprint>/attempts/<id>/beside/      rejects, curves, failing rows
        <root>/artifacts/<kind>/<fingerprint>/attempts/<id>/manifest.json  written last
        <root>/releases/log/<n>.json                                     created exclusively (sidflow.release)
        <root>/cache/                                                    accelerators; may be deleted at any time

    `refresh` names kinds that are made again although they are there.
    """

    root: str
    refresh: frozenset[str] = field(default=frozenset())

    @cached_property
    def storage(self) -> Storage:
        """The files below the root."""
        return Storage(self.root)

    def find(self, kind: str, fingerprint: str) -> Manifest | None:
        """The published manifest of a recipe, else its newest complete candidate, else None."""
        folder = f"artifacts/{kind}/{fingerprint}"
        if pointer := self.storage.read(f"{folder}/published.json"):
            return self._manifest(f"{folder}/attempts/{json.loads(pointer)['attempt']}")
        candidates = [self._read(f"{folder}/attempts/{each}") for each in self.storage.children(f"{folder}/attempts")]
        complete = [each for each in candidates if each is not None]
        return max(complete, key=lambda each: (each.created, each.attempt), default=None)

    def is_published(self, manifest: Manifest) -> bool:
        """Whether this very attempt is the one that counts."""
        pointer = self.storage.read(f"artifacts/{manifest.kind}/{manifest.fingerprint}/published.json")
        return pointer is not None and json.loads(pointer)["attempt"] == manifest.attempt

    def begin(self, kind: str, fingerprint: str) -> Attempt:
        """Start an attempt at a recipe."""
        return Attempt.begin(self.storage, kind, fingerprint)

    def record(self, manifest: Manifest) -> None:
        """Write the manifest of a complete attempt: it is a candidate from now on."""
        self.storage.write(f"{manifest.folder}/manifest.json", manifest.model_dump_json(indent=1).encode())

    def publish(self, manifest: Manifest, replace: bool = False) -> Manifest:
        """Let a candidate count; returns the manifest that counts, which is a rival's if that one came first."""
        pointer = f"artifacts/{manifest.kind}/{manifest.fingerprint}/published.json"
        content = json.dumps({"attempt": manifest.attempt}).encode()
        if replace:
            self.storage.write(pointer, content)
            return manifest
        if self.storage.create(pointer, content):
            return manifest
        winner = self.find(manifest.kind, manifest.fingerprint)
        assert winner is not None  # the pointer exists, so its manifest does
        return winner

    def artifact(self, manifest: Manifest) -> Artifact:
        """The handle of an attempt."""
        return Artifact(kind=manifest.kind, fingerprint=manifest.fingerprint, path=f"{manifest.folder}/data")

    def location(self, artifact: Artifact) -> str:
        """Absolute path, or URL, of an artifact's data folder."""
        return self.storage.url(artifact.path)

    def manifest(self, artifact: Artifact) -> Manifest:
        """The manifest behind a handle.

        Raises:
            MissingArtifact: If the store does not hold it.
        """
        return self._manifest(artifact.path.removesuffix("/data"))

    def files(self, artifact: Artifact) -> dict[str, Path]:
        """Logical name to local path of every part, each verified against its checksum once a process.

        Raises:
            CorruptArtifact: If a part is gone or has another content.
        """
        return self.local_files(self.manifest(artifact))

    def local_files(self, manifest: Manifest) -> dict[str, Path]:
        """As `files`, for a manifest that may not be written yet."""
        return {part.name: self._local(manifest, part) for part in manifest.parts}

    def manifests(self) -> Iterator[Manifest]:
        """Every complete attempt in the store, published or not."""
        for kind in self.storage.children("artifacts"):
            for recipe in self.storage.children(f"artifacts/{kind}"):
                for attempt in self.storage.children(f"artifacts/{kind}/{recipe}/attempts"):
                    found = self._read(f"artifacts/{kind}/{recipe}/attempts/{attempt}")
                    if found is not None:
                        yield found

    def cache_folder(self, name: str) -> Path:
        """A local folder for an accelerator; below the root if that is local."""
        base = self.storage.local_root
        folder = (base / "cache" if base is not None else user_cache_path("sidflow")) / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _read(self, folder: str) -> Manifest | None:
        content = self.storage.read(f"{folder}/manifest.json")
        return None if content is None else Manifest.model_validate_json(content)

    def _manifest(self, folder: str) -> Manifest:
        found = self._read(folder)
        if found is None:
            raise MissingArtifact(
                f"{self.storage.url(folder)}: holds no manifest.json, so no complete artifact; "
                "it was collected or belongs to another store. Run the stage again."
            )
        return found

    def _local(self, manifest: Manifest, part: Part) -> Path:
        root = self.storage.local_root
        if root is not None:
            path = root / part.path
        else:
            path = user_cache_path("sidflow") / "parts" / f"{part.sha256}{Path(part.name).suffix}"
            if not path.exists():
                self._download(manifest, part, path)
        try:
            stat = path.stat()
        except FileNotFoundError:
            raise CorruptArtifact(_broken(manifest, part, "is gone")) from None
        if _digest(str(path), stat.st_mtime_ns, stat.st_size) != part.sha256:
            raise CorruptArtifact(
                _broken(manifest, part, f"has another content ({stat.st_size} bytes, was {part.bytes})")
            )
        return path

    def _download(self, manifest: Manifest, part: Part, path: Path) -> None:
        try:
            self.storage.get(part.path, path)
        except FileNotFoundError:
            raise CorruptArtifact(_broken(manifest, part, "is gone")) from None


def _broken(manifest: Manifest, part: Part, what: str) -> str:
    return (
        f"{manifest.kind}/{manifest.fingerprint[:12]}: part {part.name} ({part.path}) {what}; "
        f"allowed is sha256 {part.sha256[:16]}. Make it again with --refresh {manifest.kind}."
    )


@lru_cache(maxsize=4096)
def _digest(path: str, modified_ns: int, size: int) -> str:
    return file_digest(Path(path))
