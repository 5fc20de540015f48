"""What the log says about releases: which is live, which was before, which are withdrawn or collected."""

from datetime import datetime

from sidflow.errors import MissingArtifact
from sidflow.release.log import LogEntry

PUBLISHING = ("publish", "historical")


def current_entry(entries: list[LogEntry]) -> LogEntry | None:
    """The newest entry that published a release or rolled back to it, if that was not withdrawn or collected since."""
    gone: set[str] = set()
    for entry in reversed(entries):
        if entry.action in ("withdraw", "collect"):
            gone.add(entry.release)
        elif entry.action in ("publish", "rollback") and entry.release not in gone:
            return entry
    return None


def standing(entries: list[LogEntry]) -> dict[str, LogEntry]:
    """The newest entry that published each release, without releases that were collected since; oldest first."""
    found: dict[str, LogEntry] = {}
    for each in entries:
        if each.action == "collect":
            found.pop(each.release, None)
        elif each.action in PUBLISHING:
            found[each.release] = each
    return found


def withdrawn(entries: list[LogEntry]) -> frozenset[str]:
    """Ids of the releases that were withdrawn: never live again, never `previous`."""
    return frozenset(each.release for each in entries if each.action == "withdraw")


def previous_entry(entries: list[LogEntry], as_of: datetime) -> LogEntry | None:
    """As `previous_release`, of a log that was read already."""
    gone = withdrawn(entries)
    earlier = [each for each in standing(entries).values() if each.as_of < as_of and each.release not in gone]
    return max(earlier, key=lambda each: (each.as_of, each.n), default=None)


def entry_before(entries: list[LogEntry]) -> LogEntry | None:
    """What was live before the current release was published: where a rollback goes.

    A release that was rolled back from is never gone back to by this, however often it is asked.
    """
    live = current_entry(entries)
    if live is None:
        return None
    published = max(each.n for each in entries if each.release == live.release and each.action in PUBLISHING)
    others = [each for each in entries if each.release != live.release]
    return current_entry([each for each in others if each.n < published or each.action in ("withdraw", "collect")])


def why_not_live(entries: list[LogEntry], release: str) -> str | None:
    """Why a published release is not live, and how to make it so; None if it is."""
    live = current_entry(entries)
    if live is not None and live.release == release:
        return None
    now = f"{live.release} is" if live is not None else "nothing is"
    if release in withdrawn(entries):
        return f"Release {release} was withdrawn: {now} live. New data or settings make a new release."
    if live is not None and live.action == "rollback":
        return (
            f"Release {release} is not live: on {live.at:%Y-%m-%d %H:%M} UTC there was a rollback to {live.release}, "
            f"which stays live until there is new data. To make this one live: sidflow rollback {release}."
        )
    return f"Release {release} is not live: {now}. To make it live: sidflow rollback {release}."


def find_entry(entries: list[LogEntry], name: str) -> LogEntry:
    """As `find_release`, of a log that was read already: the entry that published it."""
    there = standing(entries)
    chosen = [each for each in there.values() if each.release.startswith(name) or name in each.tags]
    if len(chosen) == 1:
        return chosen[0]
    collected = {each.release for each in entries if each.action == "collect"} - set(there)
    gone = [each for each in sorted(collected) if not chosen and each.startswith(name)]
    why = f"{gone[0]} was collected by gc" if gone else f"{len(chosen)} releases match"
    raise MissingArtifact(f"release '{name}': {why}; there are: {', '.join(there) or 'none'}.")
