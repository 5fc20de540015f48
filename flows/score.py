"""The flow `score`: recommendations for every user, written to one file."""

from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from pydantic import BaseModel

from sidflow.artifacts import Store
from sidflow.config import load_config
from sidflow.export.destination import Destination
from sidflow.inspection.naming import name_release
from tasks.score_users import score_users


class Written(BaseModel):
    """What a run of the flow wrote; what `sidflow score --json` prints."""

    what: str = "recommendations"
    release: str
    path: str
    rows: int


@flow(name="score", flow_run_name="score {release} into {out}")
def score(
    out: str,
    k: int = 10,
    release: str = "current",
    force: bool = False,
    config: str = "pipeline.yaml",
    overrides: tuple[str, ...] = (),
) -> Written:
    """Recommend to every user of a release. A run that was killed goes on where it stopped.

    Args:
        out: File or fsspec URL; .parquet, .csv, .jsonl, .csv.gz or .jsonl.gz says the format.
        k: Items per user.
        release: `current`, `previous`, an id, the start of one, or a tag.
        force: Replace a file that is there; schedules want that.
        config: Path of the configuration.
        overrides: Settings `section.key=value` on top of it.
    """
    settings = load_config(Path(config), overrides)
    store = Store(settings.store.root)
    place = Destination.parse(out, force)
    chosen = name_release(store, release)
    rows = score_users(store, chosen, settings.catalogue, place, k)
    written = Written(release=chosen.id, path=place.location, rows=rows)
    create_markdown_artifact(
        markdown=f"{rows:,} recommendations of release **{chosen.id}** in `{place.location}`\n",
        key="scores",
        description="Where the recommendations are",
    )
    return written
