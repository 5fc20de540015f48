"""Releases: which artifacts are live, which were, and in which order."""

from sidflow.release.current import (
    announce,
    current_release,
    find_release,
    live_release,
    previous_release,
    release_artifact,
)
from sidflow.release.log import LOG, Action, LogEntry, append, append_again, log_entries
from sidflow.release.record import REPORTS, Release, read_release, release_id, report_path
from sidflow.release.standing import (
    current_entry,
    entry_before,
    find_entry,
    previous_entry,
    standing,
    why_not_live,
    withdrawn,
)

__all__ = [
    "LOG",
    "REPORTS",
    "Action",
    "LogEntry",
    "Release",
    "announce",
    "append",
    "append_again",
    "current_entry",
    "current_release",
    "entry_before",
    "find_entry",
    "find_release",
    "live_release",
    "log_entries",
    "previous_entry",
    "previous_release",
    "read_release",
    "release_artifact",
    "release_id",
    "report_path",
    "standing",
    "why_not_live",
    "withdrawn",
]
