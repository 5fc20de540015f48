"""Which settings differ between two releases, stage by stage, from the recipes in their manifests."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sidflow.artifacts import Manifest, Store
from sidflow.artifacts.kinds import KINDS
from sidflow.errors import ArtifactError
from sidflow.release import Release


@dataclass(frozen=True)
class Change:
    """One field of a stage's recipe with its two values; None where a recipe does not have it."""

    stage: str
    field: str
    before: Any
    after: Any


def changed_settings(store: Store, before: Release, after: Release) -> tuple[Change, ...]:
    """The identity fields, and the revisions, that differ; stages whose manifest was collected are left out."""
    return tuple(each for kind in KINDS for each in _changes(store, kind, before, after))


def _changes(store: Store, kind: str, before: Release, after: Release) -> Iterator[Change]:
    recipes = []
    for release in (before, after):
        with suppress(ArtifactError):
            recipes.append(dict(_fields(store.manifest(release.artifact(kind)))))
    if len(recipes) < 2:
        return
    old, new = recipes
    for field in dict.fromkeys([*old, *new]):
        if old.get(field) != new.get(field):
            yield Change(kind, field, old.get(field), new.get(field))


def _fields(manifest: Manifest) -> Iterator[tuple[str, Any]]:
    yield "revision", manifest.revision
    yield from _flat(manifest.identity)


def _flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value
