"""The recommender of a release."""

from sidflow.artifacts import Store
from sidflow.availability import availability_files, live_availability
from sidflow.config import CatalogueConfig
from sidflow.interactions.tombstones import read_forgotten
from sidflow.recommender.recommend import Recommender
from sidflow.release import Release


def load_recommender(store: Store, release: Release, catalogue: CatalogueConfig | None = None) -> Recommender:
    """The recommender of a release; users who were forgotten since it was made are unknown to it.

    Args:
        store: Where the release is.
        release: What to serve.
        catalogue: Where the item files are; what they mark as unavailable now, or lack, is not recommended. None: only
            what the release itself knows as unavailable is left out.
    """
    kinds = ("catalogue", "dataset", "embeddings", "decoder")
    files = {kind: store.files(release.artifact(kind)) for kind in kinds}
    forgotten = read_forgotten(store)
    recommender = Recommender.from_files(**files, availability=availability_files(store, release), forgotten=forgotten)
    if catalogue is None:
        return recommender
    return recommender.with_availability(live_availability(store, release, catalogue, recommender.item_ids))
