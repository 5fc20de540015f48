"""The recommender of a release."""

from collections.abc import Mapping
from pathlib import Path

from sidflow.artifacts import Store
from sidflow.availability import availability_files, live_availability
from sidflow.catalogue.availability import mask_items, read_availability
from sidflow.config import CatalogueConfig
from sidflow.dataset.build import read_dataset
from sidflow.decoder.files import load_decoder
from sidflow.embedding.table import read_embeddings
from sidflow.interactions.forgotten import Forgotten
from sidflow.interactions.tombstones import read_forgotten
from sidflow.recommender.lookup import read_titles
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
    recommender = recommender_of(**files, availability=availability_files(store, release), forgotten=forgotten)
    recommender.recommend([recommender.item_ids[0].as_py()])  # compiled code is made or read before a user waits for it
    if catalogue is None:
        return recommender
    return recommender.with_availability(live_availability(store, release, catalogue, recommender.item_ids))


def recommender_of(
    catalogue: Mapping[str, Path],
    dataset: Mapping[str, Path],
    embeddings: Mapping[str, Path],
    decoder: Mapping[str, Path],
    availability: Mapping[str, Path] | None = None,
    forgotten: Forgotten = Forgotten(),  # noqa: B008 - frozen
) -> Recommender:
    """The recommender of a release's artifacts, each given as its files by logical name.

    Raises:
        ReleaseMismatch: If the decoder belongs to another SID table.
        DataContractError: If the catalogue lacks an item of the data set.
    """
    data = read_dataset(dataset)
    titles = read_titles(catalogue, data.sids.item_ids)
    known = read_availability(availability or catalogue)
    return Recommender(
        load_decoder(decoder, data.sids),
        data,
        read_embeddings(embeddings).vectors,
        titles,
        mask_items(data.sids.item_ids, known, known),
        forgotten=forgotten,
        attributes=catalogue["catalogue.parquet"],
    )
