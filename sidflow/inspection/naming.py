"""Which release a name means: an id, the start of one, a tag, `current` or `previous`."""

from sidflow.artifacts import Store
from sidflow.errors import MissingArtifact
from sidflow.release import Release, find_release, live_release, previous_release


def name_release(store: Store, name: str) -> Release:
    """The release that a name means.

    Args:
        store: Where to look.
        name: `current` (what is live), `previous` (what the current one was built on, else the one before it in time),
            an id, the start of one, or a tag.

    Raises:
        MissingArtifact: If none or several releases answer to it, or the release was collected.
    """
    match name:
        case "current":
            return live_release(store)
        case "previous":
            return _previous(store)
        case _:
            return find_release(store, name)


def _previous(store: Store) -> Release:
    current = live_release(store)
    if current.previous is not None:
        return find_release(store, current.previous)
    before = previous_release(store, current.as_of)
    if before is None:
        raise MissingArtifact(
            f"release 'previous': there is none before the current one, {current.id}; "
            "give an id or a tag, see: sidflow releases."
        )
    return before
