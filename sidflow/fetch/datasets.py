"""Which public data sets there are, and where each may be had. A new one is one function here."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sidflow.errors import DataContractError
from sidflow.fetch.movielens import from_grouplens_100k, from_recbole_100k
from sidflow.fetch.place import Fetched, OnProgress, Origin, place

MOVIELENS_100K: Final = (
    Origin("https://files.grouplens.org/datasets/movielens/ml-100k.zip", from_grouplens_100k),
    Origin("the PyPI package recbole==1.2.1", from_recbole_100k),
)


def fetch_movielens_100k(
    folder: Path, on_progress: OnProgress | None = None, origins: Sequence[Origin] = MOVIELENS_100K
) -> Fetched:
    """MovieLens-100K (Harper and Konstan 2015, doi 10.1145/2827872): 100,000 ratings of 1,682 films by 943 users.

    Writes `interactions.csv` (user_id, item_id, rating, timestamp in epoch seconds) and `items.csv` (item_id, title,
    release_year, genres). The licence forbids redistribution without permission: fetch it, do not commit it.

    Args:
        folder: Where `movielens-100k/` goes.
        on_progress: Called with bytes downloaded and in total (0: not known).
        origins: Tried in order until one gives it.

    Raises:
        DataContractError: If no origin gives it.
    """
    return place("movielens-100k", folder, origins, (100_000, 943, 1_682), on_progress)


DATASETS: Final[dict[str, Callable[[Path, OnProgress | None], Fetched]]] = {"movielens-100k": fetch_movielens_100k}


def fetch(name: str, folder: Path, on_progress: OnProgress | None = None) -> Fetched:
    """Fetch a data set by name into `folder/<name>/`, unless it is there and whole.

    Raises:
        DataContractError: If there is no such data set, or no origin gives it.
    """
    if name not in DATASETS:
        raise DataContractError(f"fetch {name}: no such data set; allowed: {', '.join(DATASETS)}.")
    return DATASETS[name](folder, on_progress)
