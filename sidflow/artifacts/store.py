"""Finding, reading, recording and publishing artifacts."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path

from platformdirs import user_cache_path
from pydantic import ValidationError

from sidflow.artifacts.attempt import Attempt
from sidflow.artifacts.fingerprint import file_digest
from sidflow.artifacts.kinds import INGESTED
from sidflow.artifacts.manifest import Artifact, Manifest, Part
from sidflow.artifacts.planning import Pending, WouldWrite, is_pending
from sidflow.artifacts.storage import Storage
from sidflow.errors import CorruptArtifact, MissingArtifact

MARK_EVERY = timedelta(hours=1)


@dataclass(frozen=True)
class Store:
    """All artifacts below one root.

        <root>/artifacts/<kind>/<fingerprint>/published.json             which attempt counts; created exclusively
        <root>/artifacts/<kind>/<fingerprint>/attempts/<id>/data/        the data: a folder that reads as one table
        <root>/artifacts/<kind>/<fingerprint>/attempts/<id>/beside/      rejects, curves, failing rows
        <root>/artifacts/<kind>/<fingerprint>/attempts/<id>/manifest.json  written last
        <root>/artifacts/<kind>/<fingerprint>/attempts/<id>/used         when a run found it in the cache last
        <root>/releases/log/<n>.json                                     created exclusively (sidflow.release)
        <root>/cache/                                                    accelerators; may be deleted at any time

    `refresh` names kinds that are made again although they are there. With `plan` nothing is made or written: stages
    end with `sidflow.artifacts.planning.NotMade` or `Pending` where a run would work.
    """

    root: str
    refresh: frozenset[str] = field(default=frozenset())
    plan: bool = False

    @cached_property
    def storage(self) -> Storage:
        """The files below the root."""
        return Storage(self.root, read_only=self.plan)

    def find(self, kind: str, fingerprint: str) -> Manifest | None:
        """The published manifest of a recipe, else its newest complete candidate, else None."""
        folder = f"artifacts/{kind}/{fingerprint}"
        if published := self.published(kind, fingerprint):
            return published
        candidates = [self._read(f"{folder}/attempts/{each}") for each in self.storage.children(f"{folder}/attempts")]
        complete = [each for each in candidates if each is not None]
        return max(complete, key=lambda each: (each.created, each.attempt), default=None)

    def published(self, kind: str, fingerprint: str) -> Manifest | None:
        """The manifest that counts; None if there is none, or it was collected after it was named."""
        folder = f"artifacts/{kind}/{fingerprint}"
        pointer = self.storage.read(f"{folder}/published.json")
        return self._read(f"{folder}/attempts/{json.loads(pointer)['attempt']}") if pointer else None

    def is_published(self, manifest: Manifest) -> bool:
        """Whether this very attempt is the one that counts."""
        pointer = self.storage.read(f"artifacts/{manifest.kind}/{manifest.fingerprint}/published.json")
        return pointer is not None and json.loads(pointer)["attempt"] == manifest.attempt

    def begin(self, kind: str, fingerprint: str) -> Attempt:
        """Start an attempt at a recipe."""
        if self.plan:
            raise WouldWrite(f"{kind}/{fingerprint}")
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
        winner = self.published(manifest.kind, manifest.fingerprint)
        if winner is None:  # the pointer names what was collected
            self.storage.write(pointer, content)
        return winner or manifest

    def note_use(self, artifact: Artifact, now: datetime | None = None) -> None:
        """Leave a mark that an artifact is in use, at most one an hour: `gc` spares what was used lately."""
        if self.plan:
            return
        path, now = used_path(artifact.path.removesuffix("/data")), now or datetime.now(UTC)
        before = self.storage.read(path)
        if before is None or now - datetime.fromisoformat(before.decode()) > MARK_EVERY:
            self.storage.write(path, now.isoformat().encode())

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
            Pending: In a plan, if a run would make it first.
        """
        if is_pending(artifact):
            raise Pending([artifact.kind])
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

    def manifests(self, kind: str | None = None) -> Iterator[Manifest]:
        """Every complete attempt in the store, or of one kind, published or not."""
        for each in self.storage.children("artifacts") if kind is None else [kind]:
            for recipe in self.storage.children(f"artifacts/{each}"):
                for attempt in self.storage.children(f"artifacts/{each}/{recipe}/attempts"):
                    found = self._read(f"artifacts/{each}/{recipe}/attempts/{attempt}")
                    if found is not None:
                        yield found

    def cache_folder(self, name: str) -> Path:
        """A local folder for an accelerator of this store; below the root if that is local."""
        base = self.storage.local_root
        if base is None:
            base = user_cache_path("sidflow") / hashlib.sha256(self.storage.url("").encode()).hexdigest()[:16]
        folder = base / "cache" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def drop_local_copy(self, part: Part) -> None:
        """Remove this machine's download of a part of a store that is elsewhere."""
        if self.storage.local_root is None:
            _downloaded(part).unlink(missing_ok=True)

    def _read(self, folder: str) -> Manifest | None:
        content = self.storage.read(f"{folder}/manifest.json")
        try:
            return None if content is None else Manifest.model_validate_json(content)
        except ValidationError as error:
            raise CorruptArtifact(
                f"{self.storage.url(folder)}/manifest.json: is no manifest: {error.errors()[0]['msg']}; allowed is "
                f"what a stage wrote, unchanged. Delete the folder and run again with --refresh {_stage(folder)}."
            ) from error

    def _manifest(self, folder: str) -> Manifest:
        found = self._read(folder)
        if found is None:
            raise MissingArtifact(
                f"{self.storage.url(folder)}: holds no manifest.json, so no complete artifact; "
                f"it was collected or belongs to another store. Run again with --refresh {_stage(folder)}."
            )
        return found

    def _local(self, manifest: Manifest, part: Part) -> Path:
        root = self.storage.local_root
        if root is not None:
            path = root / part.path
        else:
            path = _downloaded(part)
            if not path.exists():
                self._download(manifest, part, path)
        try:
            stat = path.stat()
        except FileNotFoundError:
            raise CorruptArtifact(_broken(manifest, part, path, "is gone")) from None
        if _digest(str(path), stat.st_mtime_ns, stat.st_size) != part.sha256:
            size = "the same size" if stat.st_size == part.bytes else f"{stat.st_size:,} bytes, was {part.bytes:,}"
            raise CorruptArtifact(_broken(manifest, part, path, f"has another content ({size})"))
        return path

    def _download(self, manifest: Manifest, part: Part, path: Path) -> None:
        try:
            self.storage.get(part.path, path)
        except FileNotFoundError:
            raise CorruptArtifact(_broken(manifest, part, self.storage.url(part.path), "is gone")) from None


def _downloaded(part: Part) -> Path:
    return user_cache_path("sidflow") / "parts" / f"{part.sha256}{Path(part.name).suffix}"


def used_path(folder: str) -> str:
    """Where the mark of use of an attempt lies."""
    return f"{folder}/used"


def _broken(manifest: Manifest, part: Part, path: Path | str, what: str) -> str:
    return (
        f"{manifest.kind}/{manifest.fingerprint[:12]}: part {part.name} {what}: {path}; "
        f"allowed is sha256 {part.sha256[:16]}. Make it again with --refresh {_stage(manifest.folder)}."
    )


def _stage(folder: str) -> str:
    """The stage that makes what is in an attempt's folder: cleaned source files come with what is made from them."""
    kind = folder.split("/")[1]
    return next((stage for stage, files in INGESTED.items() if files == kind), kind)


@lru_cache(maxsize=4096)
def _digest(path: str, modified_ns: int, size: int) -> str:
    return file_digest(Path(path))
