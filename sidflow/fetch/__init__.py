"""Public data sets, fetched once and verified by checksum."""

from sidflow.fetch.datasets import DATASETS, fetch, fetch_movielens_100k
from sidflow.fetch.place import Fetched, Origin, RawTables

__all__ = ["DATASETS", "Fetched", "Origin", "RawTables", "fetch", "fetch_movielens_100k"]
