"""Forgetting users: out of the cleaned segments now, out of every later artifact, and where they still are until gc."""

import html
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from sidflow.artifacts import Store
from sidflow.interactions.tombstones import check_ids, digests_of, remember, settle
from sidflow.lifecycle.scrub import Scrubbed, scrub_evidence, scrub_segments
from sidflow.lifecycle.traces import Trace, find_traces
from sidflow.release import REPORTS, report_path

CACHES = ("scores", "pairs", "quantizer", "decoder")
SHOWN_OF_ID = 36  # characters of an id; a page may cut off what is longer


@dataclass(frozen=True)
class Forgetting:
    """What forgetting users did, or would do.

    Attributes:
        users: How many were asked for.
        dry_run: Nothing was changed.
        segments: What was taken out of which segment.
        evidence_rows: Rows taken out of what gates have kept as evidence.
        caches: Accelerators that name users and held something: half-written recommendations, kept pair counts. Emptied
            whole; they are made again.
        reports: Releases whose page named one of the users. Removed; `sidflow report` makes them again.
        traces: Releases that still hold their rows, or what was learned from them; oldest first.
        artifacts: Every artifact that still holds their rows, with how many.
    """

    users: int
    dry_run: bool
    segments: tuple[Scrubbed, ...]
    evidence_rows: int
    caches: tuple[str, ...]
    reports: tuple[str, ...]
    traces: tuple[Trace, ...]
    artifacts: dict[str, int]

    @property
    def rows(self) -> int:
        """Rows taken out of segments, rejects included."""
        return sum(each.rows + each.rejects for each in self.segments)


def forget_users(store: Store, users: Sequence[str], dry_run: bool = False) -> Forgetting:
    """Take users out of the store and keep them out.

    A tombstone is written first, for users that are not found as well: their rows may come with a later file. Killed at
    any moment, the same call finishes the work; repeated, it does nothing but look for traces.

    Args:
        store: Where they are.
        users: Their ids, exactly as the interactions write them.
        dry_run: Only look.

    Raises:
        DataContractError: If an id is blank.
    """
    asked = digests_of(store, check_ids(users)) if dry_run else remember(store, users)
    segments = scrub_segments(store, asked, dry_run)
    evidence = scrub_evidence(store, asked, dry_run)
    caches = tuple(name for name in CACHES if any(store.cache_folder(name).iterdir()))
    reports = _reports_naming(store, users)
    if not dry_run:
        for name in caches:
            shutil.rmtree(store.cache_folder(name))
        for release in reports:
            store.storage.delete(report_path(release))
        settle(store, asked)
    traces, artifacts = find_traces(store, asked)
    return Forgetting(len(set(users)), dry_run, tuple(segments), evidence, caches, reports, traces, artifacts)


def _reports_naming(store: Store, users: Sequence[str]) -> tuple[str, ...]:
    """Releases whose page shows one of the users, however it escapes the id, and be it only the id's beginning."""
    shown = [_one_line(user)[:SHOWN_OF_ID].rstrip() for user in users]
    names = [each.removesuffix(".html") for each in store.storage.children(REPORTS) if each.endswith(".html")]
    pages = {name: (store.storage.read(report_path(name)) or b"").decode() for name in names}
    return tuple(name for name, page in pages.items() if any(user in _one_line(html.unescape(page)) for user in shown))


def _one_line(text: str) -> str:
    return " ".join(text.split())
