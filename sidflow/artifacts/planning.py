"""Asking what a run would do: signals that end a stage's recipe before any work, in a store that cannot be written."""

from collections.abc import Iterable, Mapping
from typing import Any

from sidflow.artifacts.manifest import Artifact, Manifest

MOST_SHOWN = 3


class NotMade(Exception):
    """A plan asked for a recipe that the store does not hold: a run would make it."""

    def __init__(self, kind: str, revision: int, identity: Mapping[str, Any], inputs: Mapping[str, Artifact]) -> None:
        super().__init__(f"{kind} is not made")
        self.kind, self.revision, self.identity, self.inputs = kind, revision, identity, inputs


class Pending(Exception):
    """A plan asked for something that follows from artifacts which a run would make first."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self.kinds = tuple(kinds)
        super().__init__(f"{', '.join(self.kinds)}: not there yet")


class WouldWrite(Exception):
    """A plan came to where a run writes."""


def pending(kind: str) -> Artifact:
    """What stands, in a plan, for an artifact that a run would make."""
    return Artifact(kind=kind, fingerprint="", path="")


def is_pending(artifact: Artifact) -> bool:
    """Whether a handle is such a stand-in."""
    return not artifact.path


def differences(missing: NotMade, made: Iterable[Manifest]) -> list[str] | None:
    """What is new in a recipe against the closest one of its kind that was made; None if none was.

    Returns:
        Settings as `name: old -> new`, inputs as `new NAME`, the closest recipe being the one with the fewest.
    """
    found = [_difference(missing, each) for each in made if each.kind == missing.kind]
    return min(found, key=len, default=None)


def _difference(missing: NotMade, made: Manifest) -> list[str]:
    ours, theirs = flat(missing.identity), flat(made.identity)
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    found = [f"{name}: {theirs.get(name)} -> {ours.get(name)}" for name in names]
    if missing.revision != made.revision:
        found.append(f"code: revision {made.revision} -> {missing.revision}")
    roles = [role for role in {**missing.inputs, **made.inputs} if _print(missing, role) != _print(made, role)]
    return found + [f"new {role}" for role in roles]


def _print(recipe: NotMade | Manifest, role: str) -> str | None:
    artifact = recipe.inputs.get(role)
    return None if artifact is None else artifact.fingerprint


def flat(identity: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by dotted name."""
    found: dict[str, Any] = {}
    for name, value in identity.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = list(value) if isinstance(value, tuple) else value
    return found
