"""The users that were forgotten, as the store remembers them: a salt, and one file a user named by digest.

A second file of that name says that the user's rows are not out of the store yet: whoever was killed in between can be
followed up.
"""

import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from sidflow.artifacts import Store
from sidflow.errors import DataContractError
from sidflow.interactions.forgotten import Forgotten, digest_user

SALT = "forgotten/salt"
USERS = "forgotten/users"
PENDING = "forgotten/pending"


def read_forgotten(store: Store) -> Forgotten:
    """All users that were forgotten."""
    return _named(store, USERS)


def read_pending(store: Store) -> Forgotten:
    """The users that are being forgotten at this moment, or of whom that was cut short."""
    return _named(store, PENDING)


def forgotten_since(store: Store, moment: datetime) -> Forgotten:
    """The users that were forgotten after this moment."""
    everyone = read_forgotten(store)
    late = {each for each in everyone.digests if _noted(store, each) > moment}
    return Forgotten(everyone.salt, frozenset(late)) if late else Forgotten()


def remember(store: Store, users: Iterable[str]) -> Forgotten:
    """Note users as forgotten from this moment on, their rows still to be removed; returns them alone, by digest.

    Raises:
        DataContractError: If an id is blank.
    """
    users = check_ids(users)
    store.storage.create(SALT, secrets.token_hex(32).encode())
    asked = digests_of(store, users)
    for each in asked.digests:
        noted = json.dumps({"at": datetime.now(UTC).isoformat()}).encode()
        store.storage.create(f"{PENDING}/{each}.json", noted)
        store.storage.create(f"{USERS}/{each}.json", noted)
    return asked


def settle(store: Store, forgotten: Forgotten) -> None:
    """Note that the rows of these users are out of the store."""
    for each in forgotten.digests:
        store.storage.delete(f"{PENDING}/{each}.json")


def check_ids(users: Iterable[str]) -> list[str]:
    """The ids, if none is blank: no interaction is of such a user, and a blank stands in many a rejected row.

    Raises:
        DataContractError: If one is.
    """
    users = list(users)
    if any(not each.strip() for each in users):
        raise DataContractError(
            "forget: a user id is blank; allowed is an id as the interactions write it. Nothing was changed. Is a "
            "variable of a script empty?"
        )
    return users


def digests_of(store: Store, users: Iterable[str]) -> Forgotten:
    """These users as digests; nothing is written, so without a salt they have one of their own."""
    salt = read_salt(store) or secrets.token_hex(32)
    return Forgotten(salt, frozenset(digest_user(salt, each) for each in users))


def read_salt(store: Store) -> str:
    """The store's salt; empty if nobody was forgotten yet."""
    return (store.storage.read(SALT) or b"").decode()


def _named(store: Store, folder: str) -> Forgotten:
    names = store.storage.children(folder)
    digests = frozenset(each.removesuffix(".json") for each in names if each.endswith(".json") and each[0] != ".")
    return Forgotten(read_salt(store), digests) if digests else Forgotten()


def _noted(store: Store, digest: str) -> datetime:
    content = store.storage.read(f"{USERS}/{digest}.json")
    return datetime.min.replace(tzinfo=UTC) if content is None else datetime.fromisoformat(json.loads(content)["at"])
