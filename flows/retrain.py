"""The flow `retrain`: a fresh decoder on the SIDs that are live; only new items get SIDs."""

from datetime import datetime

from prefect import flow

from flows.refresh import refresh
from flows.steps import Summary


@flow(name="retrain")
def retrain(config: str = "pipeline.yaml", overrides: tuple[str, ...] = (), as_of: datetime | None = None) -> Summary:
    """Like `refresh`, but no known item changes its SID, however far the embeddings have drifted.

    Args:
        config: Path of the configuration.
        overrides: Settings `section.key=value` on top of it.
        as_of: Logical time of the run, exclusive; None means all there is.
    """
    return refresh(config=config, overrides=(*overrides, "refresh.force=assign_new"), as_of=as_of)
