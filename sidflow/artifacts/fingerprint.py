"""A fingerprint names a result before it is computed."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sidflow.errors import ArtifactError


def fingerprint(kind: str, revision: int, identity: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """sha256 (hex) of the canonical JSON of a recipe: what is made, by which code, with which settings, from what.

    Raises:
        ArtifactError: If a setting cannot be serialised exactly.
    """
    recipe = {"kind": kind, "revision": revision, "identity": identity, "inputs": inputs}
    return hashlib.sha256(canonical_json(recipe).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces; the same value always gives the same text.

    Raises:
        ArtifactError: If a value is not text, number, boolean, null, list or mapping with text keys, or not finite.
    """
    _refuse_inexact(value, "recipe")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def _refuse_inexact(value: Any, where: str) -> None:
    match value:
        case None | bool() | int() | str():
            return
        case float():
            if not math.isfinite(value):
                raise ArtifactError(f"{where}: {value} cannot enter a fingerprint; allowed are finite numbers.")
        case list() | tuple():
            for index, each in enumerate(value):
                _refuse_inexact(each, f"{where}[{index}]")
        case Mapping():
            for key, each in value.items():
                if not isinstance(key, str):
                    raise ArtifactError(f"{where}: key {key!r} is a {type(key).__name__}; allowed is text.")
                _refuse_inexact(each, f"{where}.{key}")
        case _:
            raise ArtifactError(
                f"{where}: a {type(value).__name__} cannot enter a fingerprint; "
                "allowed are text, numbers, booleans, null, lists and mappings. Convert it in the stage's identity."
            )


def file_digest(path: Path) -> str:
    """sha256 (hex) of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
