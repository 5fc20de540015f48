"""The users that were forgotten, as the store remembers them: a salt, and one file a user named by digest."""

import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from sidflow.artifacts import Store
from sidflow.interactions.forgotten import Forgotten, digest_user

SALT = "forgotten/salt"
USERS = "forgotten/users"


def read_forgotten(store: Store) -> Forgotten:
    """All users that were forgotten."""
    names = store.storage.children(USERS)
    digests = frozenset(each.removesuffix(".json") for each in names if each.endswith(".json") and each[0] != ".")
    return Forgotten(read_salt(store), digests) if digests else Forgotten()


def remember(store: Store, users: Iterable[str]) -> Forgotten:
    """Note users as forgotten, from this moment on; returns them alone. Their ids are not written."""
    store.storage.create(SALT, secrets.token_hex(32).encode())
    asked = digests_of(store, users)
    for each in asked.digests:
        store.storage.create(f"{USERS}/{each}.json", json.dumps({"at": datetime.now(UTC).isoformat()}).encode())
    return asked


def digests_of(store: Store, users: Iterable[str]) -> Forgotten:
    """These users as digests; nothing is written, so without a salt they have one of their own."""
    salt = read_salt(store) or secrets.token_hex(32)
    return Forgotten(salt, frozenset(digest_user(salt, each) for each in users))


def read_salt(store: Store) -> str:
    """The store's salt; empty if nobody was forgotten yet."""
    return (store.storage.read(SALT) or b"").decode()
