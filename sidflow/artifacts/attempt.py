"""One try at making an artifact, in a folder of its own."""

import os
import tempfile
import uuid
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sidflow.artifacts.fingerprint import file_digest
from sidflow.artifacts.manifest import Part
from sidflow.artifacts.storage import Storage
from sidflow.artifacts.writing import writing


@dataclass(frozen=True)
class Attempt:
    """Folders to write into; `data` becomes the artifact's data, `beside` holds what is kept next to it.

    On an object store both are temporary local folders, uploaded part by part when the attempt is complete.
    """

    storage: Storage
    path: str
    data: Path
    beside: Path
    older: list[Part] = field(default_factory=list)

    @classmethod
    def begin(cls, storage: Storage, kind: str, fingerprint: str) -> "Attempt":
        """A fresh folder that no other writer shares."""
        path = f"artifacts/{kind}/{fingerprint}/attempts/{uuid.uuid4().hex}"
        root = storage.local_root
        folder = root / path if root is not None else Path(tempfile.mkdtemp(prefix="sidflow-"))
        with writing(folder):
            for each in ("data", "beside"):
                (folder / each).mkdir(parents=True)
        return cls(storage, path, folder / "data", folder / "beside")

    @property
    def name(self) -> str:
        """The attempt's own id."""
        return self.path.rsplit("/", 1)[-1]

    def writing(self) -> AbstractContextManager[None]:
        """Around all work that writes into the folders: a full or forbidden disk becomes an error that says so."""
        return writing(self.data.parent, self.storage.local_root or self.data.parent)

    def adopt(self, part: Part, name: str) -> None:
        """Make an older artifact's part one of this attempt's data files, without a copy where links exist."""
        path = f"{self.path}/data/{_content_name(name, part.sha256)}"
        self.storage.link(part.path, path)
        self.older.append(part.model_copy(update={"name": name, "path": path}))

    def refer(self, part: Part, name: str) -> None:
        """Name an older artifact's part in the manifest and leave it where it is."""
        self.older.append(part.model_copy(update={"name": name}))

    def parts(self) -> tuple[Part, ...]:
        """Seal the files: each is renamed after its content, synced, and uploaded if the store is remote."""
        adopted = {part.path for part in self.older}
        sealed = list(self.older)
        for folder, prefix in ((self.data, ""), (self.beside, "beside/")):
            for file in sorted(each for each in folder.rglob("*") if each.is_file()):
                inner = file.relative_to(folder).as_posix()
                if f"{self.path}/{folder.name}/{inner}" in adopted:
                    continue
                sealed.append(self._seal(file, folder.name, inner, prefix))
        return tuple(sorted(sealed, key=lambda part: part.name))

    def _seal(self, file: Path, folder: str, inner: str, prefix: str) -> Part:
        digest = file_digest(file)
        target = file.with_name(_content_name(file.name, digest))
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
        file.replace(target)
        path = f"{self.path}/{folder}/{target.relative_to(self.data.parent / folder).as_posix()}"
        self.storage.put(target, path)
        return Part(name=f"{prefix}{inner}", path=path, sha256=digest, bytes=target.stat().st_size)


def _content_name(name: str, digest: str) -> str:
    path = Path(name)
    return str(path.with_name(f"{path.stem}.{digest[:16]}{path.suffix}"))


def column_types(files: Mapping[str, Path]) -> dict[str, list[str]]:
    """Arrow columns of each tabular part, as `name: type`."""
    found: dict[str, list[str]] = {}
    for name, path in files.items():
        if path.suffix == ".parquet":
            schema = pq.read_schema(path)
        elif path.suffix == ".arrow":
            with pa.memory_map(str(path)) as source:
                schema = pa.ipc.open_file(source).schema
        else:
            continue
        found[name] = [f"{each.name}: {each.type}" for each in schema]
    return found
