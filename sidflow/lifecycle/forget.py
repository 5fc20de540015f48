"""Forgetting users: out of the cleaned segments now, out of every later artifact, and where they still are until gc."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from sidflow.artifacts import Store
from sidflow.lifecycle.scrub import Scrubbed, scrub_evidence, scrub_segments
from sidflow.lifecycle.tombstones import digests_of, remember
from sidflow.lifecycle.traces import Trace, find_traces


@dataclass(frozen=True)
class Forgetting:
    """What forgetting users did, or would do.

    Attributes:
        users: How many were asked for.
        dry_run: Nothing was changed.
        segments: What was taken out of which segment.
        evidence_rows: Rows taken out of what gates have kept as evidence.
        scores_removed: Whether half-written recommendations lay in the cache; they are made again.
        traces: Releases that still hold their rows, or what was learned from them; oldest first.
        artifacts: Every artifact that still holds their rows, with how many.
    """

    users: int
    dry_run: bool
    segments: tuple[Scrubbed, ...]
    evidence_rows: int
    scores_removed: bool
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
    """
    asked = digests_of(store, users) if dry_run else remember(store, users)
    segments = scrub_segments(store, asked, dry_run)
    evidence = scrub_evidence(store, asked, dry_run)
    scores = store.cache_folder("scores")
    has_scores = any(scores.iterdir())
    if has_scores and not dry_run:
        shutil.rmtree(scores)
    traces, artifacts = find_traces(store, asked)
    return Forgetting(len(set(users)), dry_run, tuple(segments), evidence, has_scores, traces, artifacts)
