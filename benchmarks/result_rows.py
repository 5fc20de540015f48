"""Rows of results in JSON files, each with what it was made from, so that a stopped benchmark goes on where it was."""

import hashlib
import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def kept_row(path: Path, made_from: Row) -> Row | None:
    """The row in a file; None if there is none.

    Raises:
        SystemExit: If it was made from something else.
    """
    if not path.exists():
        return None
    row: Row = json.loads(path.read_text())
    if row.get("made_from") != digest(made_from):
        raise SystemExit(f"{path} was made from other data or settings: remove it, or give another --out.")
    return row


def keep_row(path: Path, row: Row, made_from: Row) -> Row:
    """Write a row with the digest of what it was made from; the file is whole or not there."""
    row = row | {"made_from": digest(made_from)}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(row, indent=1))
    part.replace(path)
    return row


def digest(made_from: Row) -> str:
    """Sixteen hexadecimal digits that differ when anything in it does."""
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:16]
