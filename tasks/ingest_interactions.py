"""Task: the raw log becomes immutable, cleaned segments, and those before `as_of` become interactions."""

import logging
from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Artifact, Attempt, Facts, Manifest, Store
from sidflow.config import InteractionsConfig
from sidflow.errors import DataContractError
from sidflow.interactions.facts import merge_facts
from sidflow.interactions.forgotten import Forgotten
from sidflow.interactions.refusal import nothing_accepted
from sidflow.interactions.segments import clip_segment, write_segment
from sidflow.interactions.tombstones import read_forgotten, read_pending
from sidflow.lifecycle.scrub import scrub_segments
from sidflow.sources.listing import Source, list_sources
from tasks.stage import OnProgress, Stage, unwrap

log = logging.getLogger(__name__)
SEGMENT = Stage("segment", 1, ("sidflow.interactions", "sidflow.sources"))
INTERACTIONS = Stage("interactions", 1, ("sidflow.interactions", "tasks.ingest_interactions"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@task(name="ingest interactions", task_run_name="ingest-interactions", cache_policy=NO_CACHE)
def ingest_interactions(store: Store, config: InteractionsConfig, as_of: datetime | None) -> Artifact:
    """Interactions strictly before `as_of`; a source file that is there already is not read again."""
    segments = _segments(store, config)
    cut = _effective_cut(store, segments, as_of, config.path)
    chosen = [each for each in segments if _starts_before(each, cut)]
    inputs = {f"segment_{index:05d}": store.artifact(each) for index, each in enumerate(chosen)}

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        rows = 0
        for index, each in enumerate(chosen):
            rows += _take(store, attempt, each, f"part-{index:05d}.parquet", cut)
            on_progress(index + 1, len(chosen))
        facts = merge_facts([each.metrics for each in chosen])
        return {**facts, "rows": rows, "effective_as_of_us": cut, "effective_as_of": _moment(cut).isoformat()}

    forgotten = sorted({each for segment in chosen for each in segment.metrics.get("forgotten", ())})
    identity = {"as_of_us": cut, **({"forgotten": forgotten} if forgotten else {})}
    return INTERACTIONS.run(store, config, inputs, work, identity)


def effective_as_of(store: Store, interactions: Artifact) -> datetime:
    """min(as_of, newest event + 1 us): the logical time that a run really has."""
    return _moment(store.manifest(interactions).metrics["effective_as_of_us"])


def _segments(store: Store, config: InteractionsConfig) -> list[Manifest]:
    """One a source file, none with rows of a user that is forgotten, be it while this run is under way."""
    sources = list_sources(config.path)
    _follow_up(store)
    while True:
        forgotten = read_forgotten(store)
        segments = [_segment(store, config, source, forgotten) for source in sources]
        if (now := read_forgotten(store)) == forgotten:
            return segments
        scrub_segments(store, now)


def _follow_up(store: Store) -> None:
    """Take out users whose forgetting was cut short: their segments are in the cache as if nothing had been asked."""
    pending = read_pending(store)
    if not pending or store.plan:
        return
    scrub_segments(store, pending)
    log.warning(
        "Forgetting %d users was cut short, or is under way: this run is without their rows. If it was cut short, "
        "repeat that sidflow forget: caches and reports may still name them.",
        len(pending.digests),
    )


def _segment(store: Store, config: InteractionsConfig, source: Source, forgotten: Forgotten) -> Manifest:
    name = "" if config.path.endswith(source.name) else source.name  # order among several files; one may be renamed

    def work(attempt: Attempt, on_progress: OnProgress) -> Facts:
        return write_segment(source, config, attempt.data, on_progress, forgotten)

    artifact, _ = unwrap(SEGMENT.run(store, config, {}, work, identity={"source": source.sha256, "name": name}))
    return store.manifest(artifact)


def _effective_cut(store: Store, segments: list[Manifest], as_of: datetime | None, path: str) -> int:
    """min(as_of, newest event + 1 us), UTC microseconds."""
    newest: list[int] = [each.metrics["max_timestamp_us"] for each in segments if each.rows]
    oldest = [each.metrics["min_timestamp_us"] for each in segments if each.rows]
    asked = None if as_of is None else (as_of - EPOCH) // timedelta(microseconds=1)
    if not newest:
        rejects = [store.local_files(each)["rejects.parquet"] for each in segments]
        raise nothing_accepted(path, [each.metrics for each in segments], rejects)
    if asked is not None and asked <= min(oldest):
        raise DataContractError(
            f"{path}: no interaction before as_of {_moment(asked).isoformat()}; the oldest is of "
            f"{_moment(min(oldest)).isoformat()}, the newest of {_moment(max(newest)).isoformat()}. "
            "Give a later --as-of."
        )
    if asked is None:
        _warn_of_odd_times(path, _moment(max(newest)))
    return max(newest) + 1 if asked is None else min(asked, max(newest) + 1)


def _warn_of_odd_times(path: str, newest: datetime) -> None:
    """One wrong row can move the logical time of a whole run, and a wrong unit all of it: neither is refused."""
    if newest > datetime.now(UTC):
        log.warning(
            "%s: the newest interaction is of %s, which is in the future, and so is this run's logical time. "
            "If that is a mistake, mend the row, or leave such rows out with --as-of.",
            path,
            newest.isoformat(),
        )
    elif newest.year == EPOCH.year:
        log.warning(
            "%s: the newest interaction is of %s. If that is too early, correct interactions.timestamp_unit.",
            path,
            newest.isoformat(),
        )


def _starts_before(segment: Manifest, cut: int) -> bool:
    return segment.rows > 0 and segment.metrics["min_timestamp_us"] < cut


def _take(store: Store, attempt: Attempt, segment: Manifest, name: str, cut: int) -> int:
    """Make a segment's rows before the cut part of the attempt; returns how many."""
    parts = {part.name: part for part in segment.parts}
    attempt.refer(parts["rejects.parquet"], f"rejects/{name}")
    if segment.metrics["max_timestamp_us"] >= cut:
        return clip_segment(store.local_files(segment)["rows.parquet"], cut, attempt.data / name)
    attempt.adopt(parts["rows.parquet"], name)
    return segment.rows


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)
