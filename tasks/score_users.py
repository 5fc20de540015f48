"""Task: every user's recommendations, in one file."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from sidflow.artifacts import Store
from sidflow.config import CatalogueConfig
from sidflow.export.destination import Destination
from sidflow.export.scoring import score_users as score
from sidflow.release import Release
from tasks.progress import progress


@task(name="score users", task_run_name="score-users", cache_policy=NO_CACHE)
def score_users(store: Store, release: Release, catalogue: CatalogueConfig, place: Destination, k: int) -> int:
    """Rows written; a run that was killed goes on where it stopped."""
    with progress("users") as on_progress:
        return score(store, release, catalogue, place, k, on_progress)
