"""The flow `backfill`: `refresh` at several logical times, oldest first."""

import re
from datetime import UTC, datetime, timedelta

from prefect import flow

from flows.refresh import refresh
from flows.steps import Summary
from sidflow.errors import ConfigError

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@flow(name="backfill", flow_run_name="backfill {start:%Y-%m-%d} to {end:%Y-%m-%d}")
def backfill(
    start: datetime,
    end: datetime,
    every: str = "7d",
    config: str = "pipeline.yaml",
    overrides: tuple[str, ...] = (),
) -> list[Summary]:
    """One run per logical time. A run that fails ends the backfill, since later dates build on it.

    Start it again with the same arguments: dates that are done are cached, the failed one is tried anew.

    Args:
        start: First logical time, UTC if it has no zone.
        end: Last logical time, included if the steps reach it.
        every: Step between two, such as 12h, 7d or 4w.
        config: Path of the configuration.
        overrides: Settings `section.key=value` on top of it.
    """
    moments = list_moments(start, end, every)
    return [refresh(config=config, overrides=overrides, as_of=moment) for moment in moments]


def list_moments(start: datetime, end: datetime, every: str) -> list[datetime]:
    """The logical times from `start` to `end`, ascending, UTC.

    Raises:
        ConfigError: If the step is not of the form 7d, or the end lies before the start.
    """
    match = re.fullmatch(r"([1-9]\d*)([hdw])", every)
    if match is None:
        raise ConfigError(f"--every {every}: not a step; allowed: a number and h, d or w, such as 7d.")
    step = int(match[1]) * UNITS[match[2]]
    moment, last = (each if each.tzinfo else each.replace(tzinfo=UTC) for each in (start, end))
    if last < moment:
        raise ConfigError(f"--end {last.isoformat()}: lies before --start {moment.isoformat()}; swap them.")
    moments = []
    while moment <= last:
        moments.append(moment)
        moment += step
    return moments
