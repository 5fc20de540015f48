"""Small released stores, made in this process without Prefect, for tests of what a release gives."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from flows.refresh import run_stages
from flows.steps import Steps
from sidflow.artifacts import Store
from sidflow.config import load_config
from sidflow.release import Release, read_release


def release(folder: Path, overrides: Sequence[str] = (), as_of: datetime | None = None) -> Release:
    """Run all stages over the folder's pipeline.yaml and return the release."""
    config = load_config(folder / "pipeline.yaml", overrides)
    steps = Steps(store=Store(config.store.root), direct=True)
    run_stages(steps, config, as_of)
    return read_release(steps.store, steps.artifacts["release"])
