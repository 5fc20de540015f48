"""Removing attempts in an order that no reader can trip over."""

import json
from collections.abc import Iterable

from sidflow.artifacts import Store
from sidflow.lifecycle.inventory import Stored, take_inventory
from sidflow.lifecycle.references import named_parts

DISCARDED = "discarded"
"""A file that says of an attempt without a manifest that it was discarded, not that someone is still writing it."""


def discard(store: Store, attempt: Stored) -> None:
    """As `dismantle`, so that whoever is killed before `delete_files` can be followed up at once."""
    store.storage.write(f"{attempt.folder}/{DISCARDED}", b"")
    dismantle(store, attempt)


def dismantle(store: Store, attempt: Stored) -> None:
    """Let an attempt be whole no more: first its recipe does not find it, then it has no manifest."""
    recipe, _, name = attempt.folder.rpartition("/attempts/")
    content = store.storage.read(f"{recipe}/published.json")
    if content is not None and json.loads(content)["attempt"] == name:
        store.storage.delete(f"{recipe}/published.json")
    if attempt.manifest is not None:
        store.storage.delete(f"{attempt.folder}/manifest.json")


def delete_files(store: Store, dismantled: Iterable[Stored]) -> None:
    """Delete the files of attempts that are whole no more, but those that a manifest in the store still names."""
    left = take_inventory(store)
    parts = named_parts(left, left)
    for attempt in dismantled:
        for path in attempt.files:
            if path not in parts and not path.endswith(f"/{DISCARDED}"):
                store.storage.delete(path)
        store.storage.delete(f"{attempt.folder}/{DISCARDED}")
        for part in attempt.manifest.parts if attempt.manifest else ():
            if part.path not in parts:
                store.drop_local_copy(part)
        store.storage.delete_empty(attempt.folder)
